import Foundation
import Testing

@Suite("codexflow, purges")
struct PurgeCommandTests {
    private let base: CommandTests
    private let secret = "a planted secret \(UUID().uuidString)"

    init() throws { base = try CommandTests() }

    /// The files of the store that have the secret.
    private func findings() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: base.store).filter { name in
            FileManager.default.contents(atPath: base.store + "/" + name)?
                .range(of: Data(secret.utf8)) != nil
        }
    }

    @Test("purge-plaintext removes what deleted items left, and says what it cannot reach")
    func deleted() throws {
        #expect(try base.run("init", base.store).code == 0)
        let item = #"{"PK":{"S":"USER#1"},"SK":{"S":"PROFILE"},"name":{"S":"\#(secret)"}}"#
        #expect(try base.run("put", base.store, item).code == 0)
        #expect(try base.run("delete", base.store, "USER#1", "PROFILE").code == 0)
        let before = try findings()
        #expect(before.contains("data.mdb") && before.contains { $0.hasPrefix("log/") })
        let purged = try base.run("purge-plaintext", base.store)
        #expect(purged.code == 0, "\(purged.errors)")
        #expect(purged.output.contains(#""notReached":["backups","archives","followers""#))
        #expect(try findings() == [])
        #expect(try base.run("verify", base.store).code == 0)
        // Again, with nothing to do.
        #expect(try base.run("purge-plaintext", base.store).code == 0)
        #expect(try base.run("purge-plaintext", base.directory.path + "/none").code == 1)
    }
}
