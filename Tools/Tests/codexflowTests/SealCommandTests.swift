import CodexCore
import Foundation
import Testing

/// `codexflow seal`, and what the program tells of values that are not encrypted.
@Suite("codexflow seal")
struct SealCommandTests {
    private let program: SealedCommands
    private var store: String { program.path("store") }

    init() throws { program = try SealedCommands() }

    private func body(_ printed: String) -> Bool { printed.contains(#""body":{"B":"#) }

    @Test("A field of a store with data is sealed, its values encrypted, the plain ones removed")
    func sealed() async throws {
        try await program.makeStore(program.path("source"), schema: CodexFlow.schema)
        #expect(try program.run("init", store).code == 0)
        let lines = try program.run("export", program.path("source")).output
        #expect(try program.run("import", store, input: lines).code == 0)

        let sealed = try program.run("seal", store, "task", "body", "metadata")
        #expect(sealed.code == 0, "\(sealed.errors)")
        for part in [
            "task.body: 1 items have a plain value", "task.metadata: 0 items",
            "`codexflow reseal \(store)`", "`codexflow purge-plaintext \(store)`",
        ] { #expect(sealed.output.contains(part), "\(sealed.output)") }
        #expect(try program.holdsBody(store))
        let keyless = try program.run("import", store, input: lines, hasKeys: false)
        #expect(keyless.code == 1 && keyless.errors.contains("The field body is encrypted"))

        let resealed = try program.run("reseal", store)
        #expect(resealed.output == "1 items resealed, 0 refused\n", "\(resealed.errors)")
        let got = try program.run("get", store, "PROJECT#1", "TASK#2")
        #expect(got.code == 0 && body(got.output))
        let again = try program.run("seal", store, "task", "body")
        #expect(again.code == 0 && again.output.contains("task.body: 0 items have a plain value"))
        #expect(try program.run("purge-plaintext", store).code == 0)
        #expect(try !program.holdsBody(store))
        #expect(try program.task(in: store) == SealedCommands.task)
    }

    @Test(
        "Unknown names, and fields that must be readable, are refused, and change nothing",
        arguments: [
            (["tasks", "body"], "[unknownEntity]"), (["task", "bdoy"], "[invalidArgument]"),
            (["task", "PK"], "[invalidSchema]"), (["task", "taskId"], "[invalidSchema]"),
            (["task", "GSI1PK"], "[invalidSchema]"), (["task", "estimate"], "[invalidSchema]"),
            (["task", "body", "labels"], "[invalidSchema]"),
            (["session", "expiresAt"], "[invalidSchema]"),
        ] as [([String], String)])
    func refused(names: [String], code: String) throws {
        #expect(try program.run("init", store).code == 0)
        let schema = try program.run("stats", store, "--schema").output
        let refused = try program.run(["seal", store] + names)
        #expect(refused.code == 1 && refused.errors.contains(code), "\(refused.errors)")
        #expect(try program.run("stats", store, "--schema").output == schema)
    }

    #if Server
        @Test("A server that is given a schema encrypts its fields, whatever the store's files say")
        func served() async throws {
            try await program.makeStore(program.path("source"))
            let schema = try program.run("stats", program.path("source"), "--schema").output
            try schema.write(toFile: program.path("schema.json"), atomically: true, encoding: .utf8)
            // Its schema has no encrypted fields.
            #expect(try program.run("init", store).code == 0)
            #expect(try program.run("stats", store, "--schema").output != schema)
            _ = try RunningServer(
                store, "--schema", program.path("schema.json"), "--key-file", program.keyFile)
            #expect(try program.run("stats", store, "--schema").output == schema)
        }
    #endif

    @Test("Without a file of keys, nothing is sealed")
    func withoutKeys() throws {
        #expect(try program.run("init", store).code == 0)
        let refused = try program.run("seal", store, "task", "body", hasKeys: false)
        #expect(refused.code == 1 && refused.errors.contains("--key-file"))
        #expect(try !program.run("stats", store, "--schema").output.contains(#""sealed""#))
        #expect(try program.run("seal", store, "task").code == 64)
    }

    @Test("--require-sealed refuses plain values, --bound-only those that are bound to no store")
    func strict() async throws {
        try await program.makeStore(store, schema: CodexFlow.schema)
        #expect(try program.run("seal", store, "task", "body").code == 0)
        let plain = try program.run("verify", store)
        #expect(plain.code == 1 && plain.output.contains("plainValue"))
        let strict = try program.run("verify", store, "--require-sealed")
        #expect(strict.code == 1 && strict.output.contains("tamperedValue"))

        #expect(try program.run("reseal", store, "--portable").code == 0)
        #expect(try program.run("verify", store, "--require-sealed").code == 0)
        let unbound = try program.run("verify", store, "--bound-only")
        #expect(unbound.code == 1 && unbound.output.contains("tamperedValue"))
        #expect(try program.run("reseal", store).code == 0)
        #expect(try program.run("verify", store, "--bound-only", "--require-sealed").code == 0)
        let keyless = try program.run("verify", store, "--bound-only", hasKeys: false)
        #expect(keyless.code == 1 && keyless.errors.contains("--key-file"))
    }

    // MARK: Earlier formats

    /// Copies the store of format 3, and its file of keys.
    private func copyFormatThree() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let fixtures = root.path + "/Tests/CodexStoreTests/Fixtures/format3"
        try FileManager.default.copyItem(atPath: fixtures + "/store", toPath: store)
        try FileManager.default.removeItem(atPath: program.keyFile)
        try FileManager.default.copyItem(
            atPath: fixtures + "/keys.json", toPath: program.keyFile)
        // A repository does not keep who may read.
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: program.keyFile)
    }

    @Test("stats and verify tell of undecided values, until the store was opened with the keys")
    func undecided() throws {
        try copyFormatThree()
        #expect(try program.run("recover", store, hasKeys: false).code == 0)
        let stats = try program.run("stats", store, hasKeys: false)
        #expect(stats.output.contains(#""undecided":[{"state":"waiting","table":"#))
        let verified = try program.run("verify", store, hasKeys: false)
        #expect(verified.output.contains(#""undecided":[{"damaged":0,"table":"#))

        #expect(try program.run("recover", store).code == 0)
        for command in ["stats", "verify"] {
            let outcome = try program.run(command, store)
            #expect(outcome.code == 0 && !outcome.output.contains("undecided"))
        }
    }
}
