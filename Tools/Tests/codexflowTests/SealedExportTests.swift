import Foundation
import Testing

/// Exports of stores with encrypted fields, and imports of them.
@Suite("codexflow import and export, encrypted")
struct SealedExportTests {
    private let program: SealedCommands
    private var source: String { program.path("source") }
    private var target: String { program.path("target") }

    init() throws { program = try SealedCommands() }

    @Test("Values are taken to a store with the same keys once they are portable, and bound again")
    func moved() async throws {
        try await program.makeStore(source)
        try program.makeEmptyStore(target)
        let bound = try program.run("export", source).output
        let body = try #require(SealedCommands.task.body)
        #expect(!bound.contains(body))
        let refused = try program.run("import", target, input: bound)
        #expect(refused.code == 1 && refused.errors.contains("line 1: The encrypted field body"))
        #expect(refused.errors.contains("codexflow reseal --portable"))

        let released = try program.run("reseal", source, "--portable")
        #expect(released.output == "1 items resealed, 0 refused\n", "\(released.errors)")
        let portable = try program.run("export", source).output
        let imported = try program.run("import", target, input: portable)
        #expect(imported.code == 0, "\(imported.errors)")
        for store in [source, target] {
            #expect(try program.task(in: store) == SealedCommands.task)
            let unbound = try program.run("verify", store, "--bound-only")
            #expect(unbound.code == 1 && unbound.output.contains("tamperedValue"))
            let resealed = try program.run("reseal", store)
            #expect(resealed.output == "1 items resealed, 0 refused\n", "\(resealed.errors)")
            #expect(try program.run("verify", store, "--bound-only").code == 0)
            #expect(try program.task(in: store) == SealedCommands.task)
        }
    }

    @Test(
        "In bulk, a value that does not open is refused with the same advice",
        arguments: ["--bulk", "--skip-bad"])
    func advised(flag: String) async throws {
        try await program.makeStore(source)
        try program.makeEmptyStore(target)
        let lines = try program.run("export", source).output
        let refused = try program.run("import", target, flag, input: lines)
        #expect(refused.code == 1 && refused.errors.contains("codexflow reseal --portable"))
        #expect(try program.run("scan", target).output.isEmpty)
    }

    @Test(
        "Without keys, a line with an encrypted field is refused by its number and name",
        arguments: ["--bulk", "--skip-bad", "--items"])
    func withoutKeys(flag: String) async throws {
        try await program.makeStore(source)
        try program.makeEmptyStore(target)
        let user = #"{"PK":{"S":"USER#1"},"SK":{"S":"PROFILE"}}"# + "\n"
        let wraps = flag == "--items"
        let exported = try program.run(
            ["export", source] + (wraps ? [flag] : []), hasKeys: false
        ).output
        let refused = try program.run(
            ["import", target] + (wraps ? [] : [flag]), input: user + exported, hasKeys: false)
        #expect(refused.code == 1)
        for part in ["line 2: The field body is encrypted", "--key-file", "--trust-sealed"] {
            #expect(refused.errors.contains(part), "\(refused.errors)")
        }
        #expect(try program.run("query", target, "USER#1", "--count").output == "1\n")
        #expect(try program.run("query", target, "PROJECT#1", "--count").output == "0\n")
    }

    @Test(
        "Without keys, values of the same store are taken back on trust", arguments: [false, true])
    func trusted(isBulk: Bool) async throws {
        try await program.makeStore(source)
        let lines = try program.run("export", source, hasKeys: false).output
        let deleted = try program.run("delete", source, "PROJECT#1", "TASK#2", hasKeys: false)
        #expect(deleted.code == 0)
        let imported = try program.run(
            ["import", source, "--trust-sealed"] + (isBulk ? ["--bulk"] : []), input: lines,
            hasKeys: false)
        #expect(imported.code == 0, "\(imported.errors)")
        #expect(try program.task(in: source) == SealedCommands.task)
        #expect(try program.run("verify", source).code == 0)
    }

    @Test("A store that does not encrypt the field refuses its values, until it does")
    func unsealed() async throws {
        try await program.makeStore(source)
        #expect(try program.run("reseal", source, "--portable").code == 0)
        #expect(try program.run("init", target).code == 0)
        let lines = try program.run("export", source).output
        for hasKeys in [true, false] {
            let refused = try program.run("import", target, input: lines, hasKeys: hasKeys)
            #expect(refused.code == 1 && refused.errors.contains("line 1: The value of body"))
            #expect(refused.errors.contains("codexflow seal"))
        }
        #expect(try program.run("scan", target).output.isEmpty)
        #expect(try program.run("seal", target, "task", "body").code == 0)
        #expect(try program.run("import", target, input: lines).code == 0)
        #expect(try program.task(in: target) == SealedCommands.task)
    }

    @Test("Data of that form is taken as it is where it is told to be")
    func data() async throws {
        try await program.makeStore(source)
        #expect(try program.run("init", target).code == 0)
        let lines = try program.run("export", source).output
        #expect(try program.run("import", target, "--trust-sealed", input: lines).code == 0)
        #expect(try program.run("export", target).output == lines)
    }

    @Test("--portable and --bound-only exclude each other, and so do --git and --trust-sealed")
    func usage() throws {
        #expect(try program.run("reseal", source, "--portable", "--bound-only").code == 64)
        #expect(try program.run("import", source, "--git", ".", "--trust-sealed").code == 64)
    }
}
