import CodexCore
import CodexStore
import Foundation
import Testing

@testable import codexflow

/// A store with a project, its owner `ada` and the agents `bot` and `bat`, for one test.
final class AgentFixture: Sendable {
    static let project: CodexFlow.Project.ID = "engine"

    /// A valid idempotency key.
    static func key(_ name: String) -> String { "a key of the tests: \(name)" }

    private let path: String
    /// The instant of every command, unless it is a later one: no claim ends on a slow machine.
    ///
    /// It has whole milliseconds, as stored instants have.
    private let start = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.up))
    let store: Store

    init() async throws {
        path = NSTemporaryDirectory() + "/codexflow-agents-" + UUID().uuidString
        store = try Store(at: path, schema: CodexFlow.schema)
        try await LedgerSetUp(store).make(
            Self.project, key: "ENG", name: "Engine", owner: "ada", agents: ["bot", "bat"])
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The commands of a user, `later` seconds from now.
    func ledger(_ user: CodexFlow.User.ID? = "bot", later: TimeInterval = 0) -> AgentLedger {
        AgentLedger(
            store, project: Self.project, user: user,
            clock: { [start] in start.addingTimeInterval(later) })
    }

    /// The server's tools.
    func tools(
        _ user: CodexFlow.User.ID? = "bot", project: CodexFlow.Project.ID? = AgentFixture.project,
        isReadOnly: Bool = false
    ) -> AgentTools {
        AgentTools(
            store, project: project, user: user, isReadOnly: isReadOnly, clock: { [start] in start }
        )
    }

    /// Adds a task in todo.
    @discardableResult
    func add(
        _ id: CodexFlow.Task.ID, _ change: (inout AgentLedger.Draft) -> Void = { _ in }
    ) async throws -> CodexFlow.Task.ID {
        var draft = AgentLedger.Draft(title: "Task \(id)")
        draft.id = id
        change(&draft)
        _ = try await ledger("ada").add(draft)
        return id
    }

    /// The stored task.
    func task(_ id: CodexFlow.Task.ID) throws -> CodexFlow.Task {
        try #require(try store.get(.task(id, in: Self.project)))
    }
}

extension AgentAnswer {
    /// The task's identifier.
    var taskID: String? { json["task"]?.map?["id"]?.string }

    /// The claim's token.
    var token: Int? { json["token"].flatMap(Int.init(attributeValue:)) }

    /// The identifiers of the listed tasks.
    var taskIDs: [String] {
        (json["tasks"]?.list ?? []).compactMap { $0.map?["id"]?.string }
    }
}

/// Expects that a command is refused, since the worker does not hold the task.
func expectLost(
    _ command: () async throws -> AgentAnswer, _ location: SourceLocation = #_sourceLocation
) async {
    await expectRefusal(command, location) { $0.isLostClaim }
}

/// Expects that a command is refused, since its key came with other arguments.
func expectMismatch(
    _ command: () async throws -> AgentAnswer, _ location: SourceLocation = #_sourceLocation
) async {
    await expectRefusal(command, location) { $0.code == .idempotencyMismatch }
}

/// Expects that a command is refused, since it breaks a rule.
func expectBroken(
    _ rule: CodexFlow.Rule, _ command: () async throws -> AgentAnswer,
    _ location: SourceLocation = #_sourceLocation
) async {
    await expectRefusal(command, location) { $0.rule == rule }
}

private func expectRefusal(
    _ command: () async throws -> AgentAnswer, _ location: SourceLocation,
    by isMeant: (CodexError) -> Bool
) async {
    do {
        _ = try await command()
        Issue.record("The command is not refused.", sourceLocation: location)
    } catch {
        #expect((error as? CodexError).map(isMeant) == true, "\(error)", sourceLocation: location)
    }
}

/// A client of the server of the Model Context Protocol, over lines in memory.
actor AgentPeer {
    /// The metadata of a request of the present revision.
    static let meta = """
        "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",\
        "io.modelcontextprotocol/clientCapabilities":{}}
        """

    private var server: MessageServer

    init(_ tools: AgentTools) { server = MessageServer(tools, programVersion: "1") }

    /// The answer to a line, as it is written.
    func written(_ line: MessageLines.Line) async -> String? {
        var server = server
        let text = await server.answer(line)
        self.server = server
        return text
    }

    /// The answer to a line.
    func answer(_ line: String) async throws -> Item {
        let line = await written(.message(Array(line.utf8)))
        let text = try #require(line)
        #expect(!text.contains("\n"))
        let found = try DynamoDBJSON.item(parsingPlain: Array(text.utf8))
        #expect(found["jsonrpc"] == "2.0")
        #expect((found["result"] == nil) != (found["error"] == nil))
        return found
    }

    /// The code of the error that answers a line.
    func code(_ line: String) async throws -> Int? { Self.code(try await answer(line)) }

    /// The code of an error.
    static func code(_ answer: Item) -> Int? {
        answer["error"]?.map?["code"].flatMap(Int.init(attributeValue:))
    }

    /// The result of a request of the present revision.
    func result(_ method: String, _ parameters: String = "") async throws -> Item {
        let all = parameters.isEmpty ? Self.meta : "\(parameters),\(Self.meta)"
        let found = try await answer(
            #"{"jsonrpc":"2.0","id":"r","method":"\#(method)","params":{\#(all)}}"#)
        #expect(found["id"] == "r")
        return try #require(found["result"]?.map, "\(found)")
    }

    /// The structured answer of a tool, and whether it is an error.
    func call(
        _ tool: String, _ arguments: String
    ) async throws -> (json: AttributeMap, isError: Bool) {
        let found = try await result(
            "tools/call", #""name":"\#(tool)","arguments":\#(arguments)"#)
        let json = try #require(found["structuredContent"]?.map)
        let text = try #require(found["content"]?.list?.first?.map?["text"]?.string)
        #expect(try DynamoDBJSON.item(parsingPlain: Array(text.utf8)) == json)
        return (json, found["isError"] == .bool(true))
    }
}
