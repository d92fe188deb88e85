public import CodexCore
public import CodexStore
internal import Foundation

/// A store of the real engine in its own directory, which is removed with this object.
///
/// It holds up to 64 GiB.
///
/// ```swift
/// let temporary = try TemporaryStore()
/// try await temporary.store.put(user)
/// ```
public final class TemporaryStore: Sendable {
    /// The store, open for reading and writing.
    public let store: Store
    /// The directory that the store is in.
    public let path: String
    private let directory: String

    // CodexFlow's schema is a value of CodexCore: a test of the engine alone builds no workspace.
    /// Creates a store.
    ///
    /// - Parameters:
    ///   - schema: Its tables and entities; CodexFlow's by default.
    ///   - options: The options for opening it.
    /// - Throws: As ``Store/init(at:schema:options:)``.
    public convenience init(
        schema: Schema = CodexFlow.schema, options: StoreOptions = StoreOptions()
    ) throws {
        try self.init(schema: schema, options: options, failures: nil)
    }

    init(schema: Schema, options: StoreOptions, failures: CommitFailures?) throws {
        directory = try Self.makeDirectory()
        path = directory + "/store"
        var options = options
        // Hundreds of them are open at once, and a process has 128 TiB of address space.
        if options.mapByteCount == nil { options.mapByteCount = 1 << 36 }
        if let failures {
            options.parts.beforeCommit = { try failures.beforeCommit() }
        }
        do {
            store = try Store(at: path, schema: schema, options: options)
        } catch {
            try? FileManager.default.removeItem(atPath: directory)
            throw error
        }
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Creates an empty directory with a unique name among the system's temporary files.
    ///
    /// The caller removes it.
    public static func makeDirectory() throws -> String {
        let path = NSTemporaryDirectory() + "/codex-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        return path
    }
}
