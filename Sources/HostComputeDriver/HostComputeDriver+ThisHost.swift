import CHostCompute
public import ContainerDriver

extension HostComputeDriver {
    /// The driver of this host's own Host Compute Service.
    /// - Throws: `unavailable` if vmcompute.dll cannot be loaded, which means that the Containers feature is not
    ///   installed; `unimplemented` on other systems than Windows.
    public static func forThisHost(
        owner: String, timeouts: Timeouts = .standard
    ) throws(DriverFailure) -> HostComputeDriver {
        var error: UInt32 = 0
        guard let table = hc_load(&error) else {
            if error == 0 {
                throw DriverFailure(
                    .unimplemented, "this platform has no Host Compute Service; use another driver here")
            }
            throw DriverFailure(
                .unavailable,
                "vmcompute.dll can't be loaded from the system directory (error \(error)); install the Containers "
                    + "feature of Windows", hresult: 0x8007_0000 | (error & 0xFFFF), operation: "LoadLibraryEx")
        }
        var buffer = [CChar](repeating: 0, count: 64)
        hc_system_version(&buffer, buffer.count)
        let version = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return HostComputeDriver(
            table: table, name: "hcs", version: version, owner: owner, isolates: true, timeouts: timeouts)
    }
}
