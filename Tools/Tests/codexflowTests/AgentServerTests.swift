import CodexCore
import CodexStore
import Foundation
import Testing

@testable import codexflow

/// The server of the Model Context Protocol, driven over lines in memory.
@Suite("codexflow mcp, the server")
struct AgentServerTests {
    let fixture: AgentFixture

    init() async throws { fixture = try await AgentFixture() }

    private var meta: String { AgentPeer.meta }

    private func server(
        scoped: Bool = true, user: CodexFlow.User.ID? = "bot", isReadOnly: Bool = false
    ) -> AgentPeer {
        AgentPeer(
            fixture.tools(
                user, project: scoped ? AgentFixture.project : nil, isReadOnly: isReadOnly))
    }

    // MARK: Revisions

    @Test("The present revision needs no handshake, and each result tells who made it")
    func modern() async throws {
        let server = server()
        let found = try await server.result("server/discover")
        #expect(found["supportedVersions"]?.list?.first == "2026-07-28")
        #expect(found["capabilities"] == .map(["tools": .map([:])]))
        for method in ["server/discover", "tools/list"] {
            let result = try await server.result(method)
            #expect(result["resultType"] == "complete")
            #expect(result["cacheScope"] == "public" && result["ttlMs"] == 3_600_000)
            let maker = result["_meta"]?.map?["io.modelcontextprotocol/serverInfo"]?.map
            #expect(maker?["name"] == "codexflow")
        }
        for method in ["initialize", "ping", "subscriptions/listen", "resources/list"] {
            let line = #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{\#(meta)}}"#
            #expect(try await server.code(line) == -32601)
        }
    }

    @Test(
        "Earlier revisions begin with a handshake, which answers with the version or another one",
        arguments: [
            ("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"),
            ("2024-11-05", "2025-11-25"), ("2026-07-28", "2025-11-25"), ("x", "2025-11-25"),
        ])
    func handshake(asked: String, given: String) async throws {
        let server = server()
        let list = #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#
        let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
        #expect(try await server.code(list) == -32602)
        #expect(try await server.answer(ping)["result"] == .map([:]))
        let initialize = """
            {"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"\(asked)",\
            "capabilities":{},"clientInfo":{"name":"c","version":"1"}}}
            """
        let begun = try await server.answer(initialize)
        let result = try #require(begun["result"]?.map)
        #expect(result["protocolVersion"] == .string(given))
        #expect(result["serverInfo"]?.map?["name"] == "codexflow")
        let notification = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        let text = await server.written(.message(Array(notification.utf8)))
        #expect(text == nil)
        let listed = try await server.answer(list)
        let tools = try #require(listed["result"]?.map)
        #expect(tools["tools"]?.list?.count == 8)
        #expect(tools["resultType"] == nil && tools["_meta"] == nil)
        #expect(try await server.code(list.replacing("tools/", with: "x/")) == -32601)
    }

    @Test("Requests of both generations in any order are answered by the rules of their own")
    func order() async throws {
        let server = server()
        let list = #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#
        func initialize(_ version: String) -> String {
            #"{"jsonrpc":"2.0","id":1,"method":"initialize","#
                + #""params":{"protocolVersion":"\#(version)"}}"#
        }
        // A notification is no handshake, and neither is a request of the present revision.
        let notification = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        let text = await server.written(.message(Array(notification.utf8)))
        #expect(text == nil)
        #expect(try await server.result("tools/list")["resultType"] == "complete")
        #expect(try await server.code(list) == -32602)
        for version in ["2025-06-18", "2025-11-25"] {
            let begun = try await server.answer(initialize(version))["result"]?.map
            #expect(begun?["protocolVersion"] == .string(version))
            let listed = try await server.answer(list)["result"]?.map
            #expect(listed?["tools"] != nil && listed?["resultType"] == nil)
            #expect(try await server.result("tools/list")["resultType"] == "complete")
        }
        // A progress token is no version.
        let progress = list.replacing(
            "tools/list\"", with: #"tools/list","params":{"_meta":{"progressToken":1}}"#)
        #expect(try await server.answer(progress)["result"]?.map?["tools"] != nil)
        let discovery = list.replacing("tools/list", with: "server/discover")
        #expect(try await server.code(discovery) == -32601)
    }

    @Test("A version that the server does not speak is answered with those that it speaks")
    func versions() async throws {
        let server = server()
        let list = #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{\#(meta)}}"#
        for version in ["1900-01-01", "2027-01-01", "2025-11-25", ""] {
            let line = list.replacing("2026-07-28", with: version)
            let error = try await server.answer(line)["error"]?.map
            #expect(error?["code"] == -32022)
            #expect(error?["data"]?.map?["requested"] == .string(version))
            #expect(error?["data"]?.map?["supported"]?.list?.first == "2026-07-28")
        }
        for (found, other) in [
            ("\"2026-07-28\"", "1"), ("clientCapabilities\":{}", "clientCapabilities\":1"),
            ("/clientCapabilities", "/none"), (meta, "\"_meta\":1"),
        ] {
            #expect(try await server.code(list.replacing(found, with: other)) == -32602)
        }
    }

    // MARK: Tools

    @Test("There are at most eight tools, in at most 6,000 bytes, each with a schema")
    func list() async throws {
        let server = server(scoped: false)
        let line = #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{\#(meta)}}"#
        let written = await server.written(.message(Array(line.utf8)))
        let text = try #require(written)
        #expect(text.utf8.count <= 6000)
        let answer = try await server.result("tools/list")
        let tools = try #require(answer["tools"]?.list)
        #expect(tools.count <= 8)
        for tool in tools {
            let schema = try #require(tool.map?["inputSchema"]?.map)
            let properties = try #require(schema["properties"]?.map)
            #expect(schema["type"] == "object" && schema["additionalProperties"] == false)
            #expect(schema["required"]?.list?.first == "project")
            #expect(properties["project"] != nil)
            let isReading = tool.map?["annotations"]?.map?["readOnlyHint"] == true
            #expect((properties["idempotencyKey"] == nil) == isReading)
        }
    }

    @Test("A server of one project takes no other one")
    func scope() async throws {
        let (scoped, whole) = (server(), server(scoped: false))
        let (refused, isError) = try await scoped.call("task_ready", #"{"project":"engine"}"#)
        #expect(isError && refused["error"]?.map?["code"] == "invalidArgument")
        #expect(try await !scoped.call("task_ready", "{}").isError)
        #expect(try await whole.call("task_ready", "{}").isError)
        #expect(try await !whole.call("task_ready", #"{"project":"engine"}"#).isError)
        #expect(try await whole.call("task_ready", #"{"project":"other"}"#).isError)
    }

    @Test("A server that only reads offers two tools, and takes no call of the others")
    func readOnly() async throws {
        try await fixture.add("a")
        for reader in [server(isReadOnly: true), server(user: nil)] {
            let server = reader
            let tools = try await server.result("tools/list")["tools"]?.list
            #expect(tools?.compactMap { $0.map?["name"]?.string } == ["task_ready", "task_show"])
            #expect(try await !server.call("task_show", #"{"task":"a"}"#).isError)
            let line = """
                {"jsonrpc":"2.0","id":1,"method":"tools/call",\
                "params":{"name":"task_claim","arguments":{},\(meta)}}
                """
            #expect(try await server.code(line) == -32602)
        }
        #expect(try fixture.task("a").claim == nil)
    }

    @Test("A worker adds, claims, renews, comments and finishes a task")
    func work() async throws {
        let server = server()
        let added = try await server.call(
            "task_add", #"{"title":"Parse","id":"a","criteria":["fast"],"labels":null}"#)
        #expect(added.json["task"]?.map?["status"] == "todo")
        let claim = #"{"idempotencyKey":"\#(UUID().uuidString)"}"#
        let claimed = try await server.call("task_claim", claim).json
        let token = try #require(claimed["token"].flatMap(Int.init(attributeValue:)))
        #expect(claimed["task"]?.map?["criteria"]?.list?.count == 1)
        let again = try await server.call("task_claim", claim).json
        #expect(again == claimed)
        #expect(try await server.call("task_claim", "{}").json["task"] == .null)
        let holding = #""task":"a","token":\#(token)"#
        #expect(try await !server.call("task_renew", "{\(holding)}").isError)
        #expect(try await !server.call("task_comment", #"{\#(holding),"text":"x"}"#).isError)
        let unmet = try await server.call("task_finish", #"{\#(holding),"outcome":"done"}"#)
        #expect(unmet.isError && unmet.json["error"]?.map?["rule"] == "taskUnmet")
        let done = try await server.call(
            "task_finish", #"{\#(holding),"outcome":"done","met":["1"],"data":[1,{"a":null}]}"#)
        #expect(done.json["task"]?.map?["status"] == "done")
        let lost = try await server.call("task_renew", "{\(holding)}")
        #expect(lost.isError && lost.json["error"]?.map?["rule"] == "taskClaimEnded")
    }

    @Test("Each end of work and each dependency has its arguments")
    func ends() async throws {
        let server = server()
        for id in ["a", "b"] as [CodexFlow.Task.ID] { try await fixture.add(id) }
        let block = #"{"task":"b","blocker":"a"}"#
        #expect(try await !server.call("task_block", block).isError)
        #expect(try await server.call("task_block", block).isError)
        let remove = #"{"task":"b","blocker":"a","remove":true}"#
        #expect(try await !server.call("task_block", remove).isError)
        for outcome in ["released", "failed"] {
            let claim = try await server.call("task_claim", #"{"task":"a"}"#).json
            let token = try #require(claim["token"].flatMap(Int.init(attributeValue:)))
            let holding = #""task":"a","token":\#(token),"outcome":"\#(outcome)""#
            let wrong = try await server.call("task_finish", #"{\#(holding),"text":"x"}"#)
            #expect(wrong.json["error"]?.map?["code"] == "invalidArgument")
            #expect(try await !server.call("task_finish", "{\(holding)}").isError)
        }
        #expect(try fixture.task("a").attempts == 1)
    }

    @Test(
        "Arguments that do not fit the schema are errors that a model can read",
        arguments: [
            #"{"task":1}"#, #"{"task":"a","more":1}"#, #"{"leaseSeconds":"1"}"#,
            #"{"leaseSeconds":1.5}"#, #"{"leaseSeconds":1e30}"#, #"{"leaseSeconds":0}"#,
            #"{"start":"yes"}"#, #"{"kinds":["song"]}"#, #"{"kinds":"bug"}"#, #"{"labels":[1]}"#,
            #"{"task":""}"#, #"{"task":"a#b"}"#, #"{"task":"a","labels":["x"]}"#,
            #"{"despite":["early"]}"#, #"{"idempotencyKey":""}"#,
        ])
    func badArguments(arguments: String) async throws {
        try await fixture.add("a")
        let server = server()
        #expect(try await server.call("task_claim", arguments).isError)
        #expect(try fixture.task("a").claim == nil)
    }

    @Test("Errors have no data of users")
    func privacy() async throws {
        try await fixture.add("a") { ($0.title, $0.body) = ("Secret title", "Secret body") }
        _ = try await fixture.ledger("bat").claim(AgentLedger.ClaimChoice())
        let token = try #require(try fixture.task("a").claim?.token)
        let server = server()
        let calls = [
            ("task_renew", #"{"task":"a","token":99}"#), ("task_claim", #"{"task":"a"}"#),
            ("task_comment", #"{"task":"a","token":99,"text":"x"}"#),
            ("task_finish", #"{"task":"a","token":99,"outcome":"done"}"#),
        ]
        for (tool, arguments) in calls {
            let (json, isError) = try await server.call(tool, arguments)
            let text = DynamoDBJSON.plainText(json)
            #expect(isError && !text.contains("Secret") && !text.contains("bat"), "\(text)")
        }
        let shown = try await server.call("task_show", #"{"task":"a"}"#).json
        #expect(shown["task"]?.map?["token"] == nil && token > 0)
    }

    // MARK: Bad input

    @Test(
        "Malformed messages are answered by their codes",
        arguments: [
            ("{", -32700), ("x", -32700), (#"{"jsonrpc":"2.0","id":1,"id":2}"#, -32700),
            ("[]", -32600), ("[{}]", -32600), ("null", -32600), ("1", -32600), ("{}", -32600),
            (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (#"{"id":1,"method":"ping"}"#, -32600), (#"{"jsonrpc":"2.0","id":1}"#, -32600),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1,"method":1}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"none"}"#, -32602),
        ])
    func malformed(line: String, expected: Int) async throws {
        let server = server()
        let found = try await server.answer(line)
        #expect(AgentPeer.code(found) == expected)
        // The identifier is that of the request, if it could be read.
        #expect(found["id"] == .null || found["id"] == 1)
        #expect(try await server.result("tools/list")["tools"] != nil)
    }

    @Test("Calls of no tool, arguments that are no object, and cursors are errors of the protocol")
    func badCalls() async throws {
        let server = server()
        let bad = [
            ("tools/call", ""), ("tools/call", #""name":"none""#), ("tools/call", #""name":1"#),
            ("tools/call", #""name":"task_ready","arguments":[]"#),
            ("tools/list", #""cursor":"x""#),
        ]
        for (method, parameters) in bad {
            let all = parameters.isEmpty ? meta : "\(parameters),\(meta)"
            let line = #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{\#(all)}}"#
            #expect(try await server.code(line) == -32602)
        }
    }

    @Test("Notifications and responses are not answered")
    func unanswered() async {
        let server = server()
        for line in [
            #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
            #"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"task_claim"}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"x"}}"#,
        ] {
            let text = await server.written(.message(Array(line.utf8)))
            #expect(text == nil)
        }
    }

    @Test("A line that is too long is an invalid request")
    func oversized() async throws {
        let server = server()
        let written = await server.written(.tooLong)
        let text = try #require(written)
        let answer = try DynamoDBJSON.item(parsingPlain: Array(text.utf8))
        #expect(AgentPeer.code(answer) == -32600 && answer["id"] == .null)
    }

    @Test("Any bytes are answered in one line of JSON, or not at all")
    func anyBytes() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let server = server()
        let lines = [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{\#(meta)}}"#,
            #"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"task_show","#
                + #""arguments":{"task":"a"},\#(meta)}}"#,
            #"{"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"x"}}"#,
        ].map { Array($0.utf8) }
        for _ in 0..<2000 {
            var bytes = random.pick(lines)
            for _ in 0...random.below(4) {
                let place = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(9)))
                default: bytes.insert(contentsOf: random.pick(lines).prefix(9), at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            guard let text = await server.written(.message(bytes)) else { continue }
            let answer = try? DynamoDBJSON.item(parsingPlain: Array(text.utf8))
            #expect(answer?["jsonrpc"] == "2.0" && !text.contains("\n"), "seed \(seed)")
        }
    }
}
