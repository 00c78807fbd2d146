/// The ZAP domains, one for each mechanism and purpose of an endpoint.
enum AccessDomain: String, Sendable {
    case localCommands = "windlass.local"
    case localEvents = "windlass.local.events"
    case commands = "windlass.commands"
    case events = "windlass.events"
}
