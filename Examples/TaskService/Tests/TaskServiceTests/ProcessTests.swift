import AsyncHTTPClient
import Codex
import CodexTesting
import Foundation
import NIOCore
import TaskService
import Testing

@Suite("The service as a process", .serialized)
struct ProcessTests {
    let directory: String

    init() throws { directory = try TemporaryStore.makeDirectory() }

    /// The blocks of commands in the README.
    private static func readmeBlocks() throws -> [String] {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: package.appendingPathComponent("README.md"), encoding: .utf8)
        return text.components(separatedBy: "```sh\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
    }

    /// What a remote table answers in place of what the README says, by the ends of paths.
    private static let remoteAnswers = [
        "/analytics\"": #""code":"unsupportedOperation""#, "/health": #""success":true"#,
    ]

    @Test("The README's lines answer as they say", arguments: Place.allCases)
    func readme(place: Place) async throws {
        let blocks = try Self.readmeBlocks()
        try #require(blocks.count == 4)
        let data = try await SharedData(place, in: directory)
        let server = try await ServerProcess.start(data)
        // The second block, or the last one for a table, without what already runs.
        var script = "set -e\ncd \(directory)\n"
        script += "task-service() { \(ServerProcess.program) \"$@\"; }\n"
        let ready = [" serve ", " URL=", "TASK_SERVICE_ENDPOINT=", "task-service table"]
        for line in blocks[place == .directory ? 1 : 3].split(separator: "\n")
        where !ready.contains(where: { line.contains($0) }) { script += line + "\n" }
        if let server = data.server {
            script = "export TASK_SERVICE_ENDPOINT=\(server.endpoint)\n" + script
        }
        script += "export URL=http://127.0.0.1:\(server.port)\n"
        // Each command, with a mark after its answer.
        var expectations: [[String]] = []
        for paragraph in blocks[2].components(separatedBy: "\n\n") {
            let lines = paragraph.split(separator: "\n")
            let expectation = try #require(lines.last { $0.hasPrefix("# → ") })
            let other = Self.remoteAnswers.first { paragraph.contains($0.key) }?.value
            let text = place == .endpoint ? other : nil
            expectations.append(
                (text ?? String(expectation.dropFirst(4))).components(separatedBy: " … ")
                    .map(\.trimmed))
            script += lines.filter { !$0.hasPrefix("#") }.joined(separator: "\n") + "\n"
            script += "echo; echo ======\n"
        }
        let outcome = try await ServerProcess.outcome(of: "/bin/bash", ["-c", script])
        #expect(outcome.status == 0)
        let answers = (outcome.output + "\n").components(separatedBy: "======\n")
        #expect(expectations.count > 15 && answers.count == expectations.count + 1)
        for (answer, expectation) in zip(answers, expectations) {
            for part in expectation { #expect(answer.contains(part), "\(answer)") }
        }
        _ = try await server.end(SIGTERM)
    }

    @Test(
        "A server that is killed in the middle of writes loses none that it answered",
        arguments: Place.allCases)
    func killed(place: Place) async throws {
        let shared = try await SharedData(place, in: directory)
        let token = try await shared.addUser("ada@example.com", "Ada")
        // The client does not retry: a killed server stays unreachable.
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(configuration: configuration)
        @Sendable func post(_ port: Int, _ path: String, _ body: String) async throws -> UInt {
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
            request.method = .POST
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
            request.body = .bytes(ByteBuffer(string: body))
            let response = try await client.execute(request, timeout: .seconds(30))
            _ = try await response.body.collect(upTo: 1 << 20)
            return response.status.code
        }
        var acknowledged: Set<String> = []
        for round in 0..<5 {
            let server = try await ServerProcess.start(shared)
            if round == 0 {
                #expect(
                    try await post(server.port, "/projects", #"{"key": "ENG", "name": "E"}"#) == 201
                )
            }
            let wanted = 20 + round * 15
            let done = await withTaskGroup(of: [String].self) { group in
                let counter = Counter()
                for writer in 0..<8 {
                    group.addTask {
                        var done: [String] = []
                        for number in 0... {
                            let id = "r\(round)w\(writer)n\(number)"
                            let body = #"{"project": "ENG", "title": "T", "taskId": "\#(id)"}"#
                            guard let status = try? await post(server.port, "/tasks", body) else {
                                break
                            }
                            guard status == 201 else { break }
                            done.append(id)
                            // One client kills the server while the others write.
                            if await counter.next() == wanted { kill(server.identifier, SIGKILL) }
                        }
                        return done
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            #expect(try await server.end(SIGKILL).reason == .uncaughtSignal)
            #expect(done.count >= wanted)
            acknowledged.formUnion(done)
            let data = try await shared.open()
            let workspace = try data.workspace()
            let project = try #require(try await workspace.get(.project(key: "ENG")))
            let tasks = try await workspace.all(.tasks(in: project.id))
            #expect(acknowledged.isSubset(of: tasks.map(\.id.rawValue)))
            let numbers = tasks.compactMap(\.number)
            #expect(Set(numbers).count == tasks.count)
            #expect(try await data.problems() == [])
            data.close()
        }
        try await client.shutdown()
    }

    private actor Counter {
        private var count = 0
        func next() -> Int {
            count += 1
            return count
        }
    }

    @Test("With keys, what people write is not on the disk, and is answered")
    func keys() async throws {
        let (store, keys) = (directory + "/tasks.codex", directory + "/keys.json")
        try await ServerProcess.run(["keys", keys])
        let data = try await SharedData(.directory, in: directory)
        let token = try await data.addUser("ada@example.com", "Ada", "--keys", keys)
        let server = try await ServerProcess.start(data, "--keys", keys)
        func send(_ path: String, _ body: String?) async throws -> String {
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)\(path)")
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
            if let body {
                request.method = .POST
                request.body = .bytes(ByteBuffer(string: body))
            }
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            #expect((200...201).contains(response.status.code))
            return String(buffer: try await response.body.collect(upTo: 1 << 20))
        }
        let (body, comment) = ("the acquisition of Initech", "nobody is to know")
        _ = try await send("/projects", #"{"key": "ENG", "name": "E"}"#)
        _ = try await send(
            "/tasks", #"{"project": "ENG", "title": "T", "description": "\#(body)"}"#)
        _ = try await send("/tasks/ENG-1/comments", #"{"text": "\#(comment)"}"#)
        #expect(try await send("/tasks/ENG-1", nil).contains(body))
        #expect(try await send("/tasks/ENG-1/comments", nil).contains(comment))
        #expect(try await server.end(SIGTERM).status == 0)
        let files = try #require(FileManager.default.subpaths(atPath: store))
        #expect(files.contains("data.mdb") && files.contains { $0.hasPrefix("log/") })
        for file in files where file.contains(".") {
            let data = try Data(contentsOf: URL(fileURLWithPath: store + "/" + file))
            for secret in [body, comment] { #expect(data.range(of: Data(secret.utf8)) == nil) }
        }
    }

    @Test("A missing file of keys is not made anew, and one that is there is not replaced")
    func missingKeys() async throws {
        let (store, keys) = (directory + "/tasks.codex", directory + "/keys.json")
        let addition = ["user", "--store", store, "--keys", keys, "ada@example.com", "Ada"]
        #expect(try await ServerProcess.outcome(addition).status != 0)
        #expect(!FileManager.default.fileExists(atPath: keys))
        #expect(!FileManager.default.fileExists(atPath: store))
        try await ServerProcess.run(["keys", keys])
        let made = FileManager.default.contents(atPath: keys)
        #expect(try await ServerProcess.outcome(["keys", keys]).status != 0)
        #expect(made != nil && FileManager.default.contents(atPath: keys) == made)
    }

    @Test(
        "Data is in one place, and what a place does not have is refused",
        arguments: [
            ["verify", "--store", "s", "--endpoint", "http://127.0.0.1:1"],
            ["verify", "--endpoint", "http://127.0.0.1:1", "--keys", "k"],
            ["table", "--store", "s"],
        ])
    func places(arguments: [String]) async throws {
        // The status of a wrong use of the program, before anything is opened.
        #expect(try await ServerProcess.outcome(arguments).status == 64)
    }

    @Test(
        "It ends when it is told to, and others use the data beside it", arguments: Place.allCases)
    func ended(place: Place) async throws {
        let data = try await SharedData(place, in: directory)
        let token = try await data.addUser("ada@example.com", "Ada")
        let server = try await ServerProcess.start(data)
        // The running server sees a user and a session that another process creates at once.
        let other = try await data.addUser("bob@example.com", "Bob")
        for token in [token, other] {
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/me")
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            #expect(response.status == .ok)
        }
        #expect(try await ServerProcess.run(["verify"] + data.arguments) == "sound")
        let end = try await server.end(SIGTERM)
        #expect(end.reason == .exit && end.status == 0)
    }
}
