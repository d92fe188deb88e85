import CodexCore
import CodexStore
import Foundation
import Testing

/// `codexflow task` and `codexflow mcp`, as an agent runs them.
@Suite("codexflow task")
struct AgentCommandTests {
    let base: CommandTests
    private var variables: [String: String] {
        [
            "CODEXFLOW_STORE": base.store, "CODEXFLOW_PROJECT": "engine",
            "CODEXFLOW_USER": "bot",
        ]
    }

    init() throws {
        base = try CommandTests()
        let made = try base.run(
            "task", "init", "--store", base.store, "--project", "engine", "--as", "ada", "--agent",
            "bot", "--agent", "bat", "--project-key", "ENG")
        try #require(made.code == 0, "\(made.errors)")
    }

    @discardableResult
    private func run(
        _ arguments: String..., user: String = "bot", input: String = ""
    ) throws -> CommandTests.Outcome {
        let environment = variables.merging(["CODEXFLOW_USER": user]) { $1 }
        return try base.run(arguments, input: input, environment: environment)
    }

    private func json(_ outcome: CommandTests.Outcome) throws -> Item {
        try DynamoDBJSON.item(parsingPlain: Array(outcome.output.utf8))
    }

    @Test("Two agents take the tasks by their order, and finish them")
    func work() async throws {
        for (title, priority) in [("Low", "low"), ("High", "high")] {
            let added = try run("task", "add", title, "--id", title, "--priority", priority)
            #expect(added.code == 0, "\(added.errors)")
        }
        let ready = try json(try run("task", "ready"))["tasks"]?.list ?? []
        #expect(ready.compactMap { $0.map?["id"]?.string } == ["High", "Low"])
        let first = try json(try run("task", "claim", "--next"))
        #expect(first["task"]?.map?["id"] == "High")
        let token = try #require(first["token"]?.number?.int64)
        let second = try json(try run("task", "claim", "--next", user: "bat"))
        #expect(second["task"]?.map?["id"] == "Low")
        let none = try run("task", "claim", "--next")
        #expect(none.code == 2)
        #expect(try json(none)["task"] == .null)

        #expect(try run("task", "renew", "High", "--token", "\(token)").code == 0)
        let stolen = try run("task", "done", "High", "--token", "\(token)", user: "bat")
        #expect(stolen.code == 3)
        #expect(try json(stolen)["error"]?.map?["rule"] == "taskNotHeld")
        #expect(stolen.errors.contains("[ruleViolated]"))
        let key = UUID().uuidString
        let done = try run(
            "task", "done", "High", "--token", "\(token)", "--result", "It works.", "--data",
            #"{"lines":[1,2]}"#, "--link", "https://example.org/1", "--idempotency-key", key)
        #expect(done.code == 0, "\(done.errors)")
        let again = try run(
            "task", "done", "High", "--token", "\(token)", "--result", "It works.", "--data",
            #"{"lines":[1,2]}"#, "--link", "https://example.org/1", "--idempotency-key", key)
        #expect(again.code == 0 && again.output == done.output)
        let shown = try json(try run("task", "show", "High"))["task"]?.map
        #expect(shown?["result"]?.map?["data"]?.map?["lines"]?.list?.count == 2)
        #expect(try run("task", "done", "High", "--token", "\(token)").code == 3)
        #expect(try base.run("verify", base.store).code == 0)
    }

    @Test("The text is terse, and has no characters that a terminal obeys")
    func text() throws {
        let body = "One\u{1B}[31m\ntwo"
        try run("task", "add", "A task", "--id", "a", "--body", body, "--criterion", "x")
        #expect(try run("task", "ready", "--text").output == "a  todo  none  A task\n")
        let claimed = try run("task", "claim", "--next", "--text").output.split(separator: "\n")
        #expect(claimed.first?.hasPrefix("token ") == true)
        #expect(claimed.contains("a  inProgress  none  A task"))
        #expect(claimed.contains("[ ] 1  x") && claimed.contains("One\u{FFFD}[31m"))
        #expect(try run("task", "claim", "--next", "--text").output == "nothing\n")
    }

    @Test("Comments, dependencies, failures")
    func plans() throws {
        for id in ["a", "b"] { #expect(try run("task", "add", id, "--id", id).code == 0) }
        #expect(try run("task", "block", "a", "--on", "b").code == 0)
        #expect(try run("task", "comment", "a", "After b.").code == 0)
        let shown = try json(try run("task", "show", "a"))
        #expect(shown["blockers"]?.list?.count == 1 && shown["comments"]?.list?.count == 1)
        #expect(try run("task", "claim", "a").code == 1)
        #expect(try run("task", "claim", "a", "--despite", "blocked").code == 0)
        let claimed = try json(try run("task", "claim", "b"))
        let token = try #require(claimed["token"]?.number?.int64)
        let failed = try run(
            "task", "fail", "b", "--token", "\(token)", "--retry-after", "86400",
            "--note", "Later.")
        #expect(failed.code == 0, "\(failed.errors)")
        #expect(try run("task", "claim", "--next").code == 2)
    }

    @Test("A claim of another worker is released; expired and dead tasks are listed")
    func rescue() throws {
        #expect(try run("task", "add", "a", "--id", "a", "--assignee", "bat").code == 0)
        #expect(try run("task", "claim", "a", "--despite", "assignedToOther").code == 0)
        let refused = try run("task", "release", "a")
        #expect(refused.code == 3)
        #expect(try json(refused)["error"]?.map?["rule"] == "taskClaimed")
        let released = try run("task", "release", "a", "--note", "mine", user: "bat")
        #expect(released.code == 0, "\(released.errors)")
        #expect(try json(released)["task"]?.map?["id"] == "a")
        #expect(try run("task", "revive", "a", "--note", "again").code == 0)
        for list in ["dead", "expired"] {
            let found = try run("task", list, "--limit", "5")
            #expect(found.code == 0, "\(found.errors)")
            let none = try json(found)
            #expect(none["tasks"] == .list([]) && none["more"] == .bool(false))
            #expect(try run("task", list, "--text").output == "nothing\n")
            #expect(try run("task", list, "--limit", "0").code == 1)
        }
    }

    @Test("Leases of zero and of years end with 1, and tokens that the worker does not have with 3")
    func refusals() throws {
        for id in ["a", "b"] { #expect(try run("task", "add", id, "--id", id).code == 0) }
        for lease in ["0", "-1", "86401", "315360000", "\(Int.max)"] {
            let refused = try run("task", "claim", "--next", "--lease=\(lease)")
            #expect(refused.code == 1, "\(refused.errors)")
            #expect(try json(refused)["error"]?.map?["rule"] == "taskClaim")
        }
        #expect(try run("task", "claim", "--next", "--lease", "\(UInt64.max)").code == 64)
        let claimed = try json(try run("task", "claim", "a", "--lease", "86400"))
        let token = try #require(claimed["token"]?.number?.int64)
        let commands = [
            ["renew", "a"], ["done", "a"], ["fail", "a"], ["fail", "a", "--release"],
            ["release", "a"], ["revive", "a"], ["comment", "a", "x"],
            ["block", "a", "--on", "b"],
        ]
        for wrong in [token + 1, -1] {
            for command in commands {
                let outcome = try base.run(
                    ["task"] + command + ["--token=\(wrong)"], environment: variables)
                #expect(outcome.code == 3, "\(command): \(outcome.errors)")
                #expect(try json(outcome)["error"]?.map?["rule"] == "taskNotHeld")
            }
        }
        #expect(try run("task", "done", "a", "--token", "\(token)").code == 0)
        #expect(try run("task", "renew", "a", "--token", "\(token)").code == 3)
    }

    @Test(
        "Wrong usage ends with 64",
        arguments: [
            ["claim"], ["claim", "a", "--next"], ["claim", "a", "--label", "x"],
            ["claim", "--next", "--despite", "blocked"], ["ready", "--kind", "song"],
            ["ready", "--json", "--text"], ["claim", "a", "--despite", "song"],
            ["add", "a", "--priority", "song"], ["renew", "a"], ["renew", "a", "--token", "x"],
            ["fail", "a", "--token", "1", "--release", "--retry-after", "1"],
        ])
    func usage(arguments: [String]) throws {
        let outcome = try base.run(["task"] + arguments, environment: variables)
        #expect(outcome.code == 64, "\(outcome.errors)")
    }

    @Test("Store, project and user must be named, and exist")
    func names() throws {
        for variable in variables.keys {
            let without = variables.merging([variable: ""]) { $1 }
            let outcome = try base.run(["task", "add", "a"], environment: without)
            #expect(outcome.code == 64, "\(outcome.errors)")
        }
        let strange = variables.merging(["CODEXFLOW_PROJECT": "none"]) { $1 }
        #expect(try base.run(["task", "ready"], environment: strange).code == 1)
        #expect(try run("task", "claim", "--next", user: "stranger").code == 1)
        #expect(try run("task", "show", "none").code == 1)
        #expect(try run("task", "show", "a#b").code == 1)
        #expect(try run("task", "done", "a", "--data", "{").code == 1)
    }

    @Test(
        "A user that is no identifier is an error in JSON, of reads and of changes",
        arguments: [["ready"], ["show", "a"], ["dead"], ["add", "a"], ["claim", "--next"]])
    func strangeUsers(command: [String]) throws {
        let strange = variables.merging(["CODEXFLOW_USER": "a#b"]) { $1 }
        let outcomes = [
            try base.run(["task"] + command, environment: strange),
            try base.run(["task"] + command + ["--as", "a#b"], environment: variables),
        ]
        for outcome in outcomes {
            #expect(outcome.code == 1, "\(outcome.errors)")
            #expect(try json(outcome)["error"]?.map?["code"] == "invalidIdentifier")
            #expect(outcome.errors.contains("[invalidIdentifier]"))
        }
    }

    @Test("A store without this release's schema is named, and `task init` mends it")
    func schema() throws {
        let other = base.directory.path + "/other"
        let table = TableDefinition("notes", partitionKey: "PK")
        try Store(at: other, schema: Schema(tables: [table])).close()
        let lacking = try run("task", "ready", "--store", other)
        #expect(lacking.code == 1 && lacking.errors.contains("task init"))
        let mended = try base.run(
            "task", "init", "--store", other, "--project", "engine", "--as", "ada")
        #expect(mended.code == 0, "\(mended.errors)")
        #expect(try run("task", "ready", "--store", other).code == 0)
    }

    @Test("`task init` can be repeated, and adds agents")
    func repeatedSetUp() throws {
        for _ in 0..<2 {
            let made = try base.run(
                "task", "init", "--store", base.store, "--project", "engine", "--as", "ada",
                "--agent", "new")
            #expect(made.code == 0, "\(made.errors)")
        }
        #expect(try run("task", "add", "a", user: "new").code == 0)
    }

    @Test("mcp writes messages alone, one for each request, and ends with its input")
    func server() throws {
        let lines = [
            #"{"jsonrpc":"2.0","id":1,"method":"initialize","#
                + #""params":{"protocolVersion":"2025-11-25"}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "", "{",
            #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"task_add","#
                + #""arguments":{"title":"A","id":"a"}}}"#,
            String(repeating: "x", count: 1_100_000),
            #"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#,
        ]
        let outcome = try run("mcp", input: lines.joined(separator: "\n"))
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        let answers = try outcome.output.split(separator: "\n").map {
            try DynamoDBJSON.item(parsingPlain: Array($0.utf8))
        }
        let expected: [AttributeValue?] = [1, .null, 2, .null, 3]
        #expect(answers.map { $0["id"] } == expected)
        #expect(try run("task", "show", "a").code == 0)
        let listed = try run("mcp", "--read-only", input: lines[0] + "\n" + lines[6])
        #expect(listed.output.contains(#""name":"task_show""#))
        #expect(!listed.output.contains(#""name":"task_claim""#))
        #expect(try run("mcp", "--read-only", "--sweep").code == 64)
    }
}
