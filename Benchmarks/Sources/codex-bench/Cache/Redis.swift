import CCachePeer
import Foundation

/// A Redis server of our own on loopback, without persistence and with room for some ten thousand
/// users, and one connection to it.
///
/// Used by one thread at a time.
final class Redis {
    private let server: Process
    private let connection: OpaquePointer
    private let ended = DispatchSemaphore(value: 0)

    /// Starts the server.
    ///
    /// - Returns: `nil` if there is no `redis-server`, or it does not answer.
    init?(in directory: String) throws {
        let port = try Self.freePort()
        server = Process()
        server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        server.arguments = [
            "redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--daemonize", "no", "--dir", directory,
            "--maxmemory", "5mb", "--maxmemory-policy", "allkeys-lru",
        ]
        server.standardOutput = FileHandle.nullDevice
        server.standardError = FileHandle.nullDevice
        server.terminationHandler = { [ended] _ in ended.signal() }
        try server.run()
        var connection: OpaquePointer?
        for _ in 0..<200 where connection == nil && server.isRunning {
            connection = cache_redis_open(Int32(port))
            if connection == nil { usleep(20_000) }
        }
        guard let connection else {
            kill(server.processIdentifier, SIGKILL)
            return nil
        }
        self.connection = connection
        guard setting("save") == "", setting("appendonly") == "no",
            setting("maxmemory-policy") == "allkeys-lru"
        else {
            fatalError("Redis is set up in another way")
        }
    }

    func close() {
        // A signal to end would not reach it: processes inherit that this thread blocks them.
        cache_redis_shut_down(connection)
        // Not `waitUntilExit()`, which on a thread without a run loop turns in circles.
        ended.wait()
    }

    private func setting(_ name: String) -> String? {
        var text = [CChar](repeating: 0, count: 256)
        guard cache_redis_setting(connection, name, &text, text.count) != 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Stores a value for a quarter of an hour.
    func set(_ key: String, _ value: Data) {
        value.withUnsafeBytes { bytes in
            cache_redis_set(
                connection, key, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, 900)
        }
    }

    /// Lends the value under a key.
    func get<R>(_ key: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R? {
        var length = 0
        guard let bytes = cache_redis_get(connection, key, &length) else { return nil }
        return try body(UnsafeBufferPointer(start: bytes, count: length))
    }

    private static func freePort() throws -> UInt16 {
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(probe) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(probe, $0, size) == 0 && getsockname(probe, $0, &size) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        return UInt16(bigEndian: address.sin_port)
    }
}
