/// The pages that a worker serves by HTTP. On the loop only.
final class WorkerPages {
    private let health: () -> HealthReport
    private let metrics: (@escaping ([UInt8]) -> Void) -> Void

    /// Pages of a host whose state `health` has, and whose metrics `metrics` gives to its argument.
    init(health: @escaping () -> HealthReport, metrics: @escaping (@escaping ([UInt8]) -> Void) -> Void) {
        self.health = health
        self.metrics = metrics
    }

    /// Answers a request.
    func answer(_ request: HTTPRequest, _ respond: @escaping (HTTPResponse) -> Void) {
        guard ["/metrics", "/livez", "/readyz"].contains(request.path) else {
            return respond(HTTPResponse(.notFound, "there are /metrics, /livez and /readyz\n"))
        }
        guard request.method == "GET" else { return respond(HTTPResponse(.methodNotAllowed, "only GET is answered\n")) }
        let isVerbose = request.query.contains { $0.name == "verbose" }
        let excluded = Set(request.query.filter { $0.name == "exclude" }.map(\.value))
        switch request.path {
        case "/livez":
            let report = health()
            respond(report.page(of: [report.live], isVerbose: isVerbose, without: excluded))
        case "/readyz":
            let report = health()
            respond(report.page(of: report.checks, isVerbose: isVerbose, without: excluded))
        default:
            metrics { respond(HTTPResponse(.ok, type: "text/plain; version=0.0.4; charset=utf-8", $0)) }
        }
    }
}
