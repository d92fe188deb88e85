import AsyncHTTPClient
import Codex
import CodexTesting
import Foundation
import NIOCore
import Testing

@Suite("The service as a process", .serialized)
struct ProcessTests {
    let directory: String

    init() throws { directory = try TemporaryStore.makeDirectory() }

    private func prepare() throws -> String {
        let store = directory + "/tasks.codex"
        try ServerProcess.run("user", "--store", store, "ada@example.com", "Ada")
        return try ServerProcess.run("token", "--store", store, "ada@example.com")
    }

    @Test("The README's lines answer as they say")
    func readme() throws {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: package.appendingPathComponent("README.md"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```sh\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        try #require(blocks.count == 3)
        let server = try ServerProcess(in: directory)
        defer { _ = server.end(SIGTERM) }
        // The second block without the server, which already runs.
        var script = "set -e\ncd \(directory)\n"
        script += "task-service() { \(ServerProcess.program) \"$@\"; }\n"
        for line in blocks[1].split(separator: "\n")
        where !line.contains(" serve ") && !line.contains("URL=") { script += line + "\n" }
        script += "export URL=http://127.0.0.1:\(server.port)\n"
        // Each command, with a mark after its answer.
        var expectations: [[String]] = []
        for paragraph in blocks[2].components(separatedBy: "\n\n") {
            let lines = paragraph.split(separator: "\n")
            let expectation = try #require(lines.last { $0.hasPrefix("# → ") })
            expectations.append(
                expectation.dropFirst(4).components(separatedBy: " … ").map(\.trimmed))
            script += lines.filter { !$0.hasPrefix("#") }.joined(separator: "\n") + "\n"
            script += "echo; echo ======\n"
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let answers = String(decoding: data, as: UTF8.self).components(separatedBy: "======\n")
        #expect(expectations.count > 15 && answers.count == expectations.count + 1)
        for (answer, expectation) in zip(answers, expectations) {
            for part in expectation { #expect(answer.contains(part), "\(answer)") }
        }
    }

    @Test("A server that is killed in the middle of writes loses none that it answered")
    func killed() async throws {
        let token = try prepare()
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
            let server = try ServerProcess(in: directory)
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
            #expect(server.end(SIGKILL).reason == .uncaughtSignal)
            #expect(done.count >= wanted)
            acknowledged.formUnion(done)
            let store = try Store(at: directory + "/tasks.codex", schema: CodexFlow.schema)
            let project = try #require(try store.get(.project(key: "ENG")))
            let tasks = try store.all(.tasks(in: project.id))
            #expect(acknowledged.isSubset(of: tasks.map(\.id.rawValue)))
            let numbers = tasks.compactMap(\.number)
            #expect(Set(numbers).count == tasks.count)
            #expect(try store.verify().isSound)
            store.close()
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
        try ServerProcess.run("keys", keys)
        try ServerProcess.run("user", "--store", store, "--keys", keys, "ada@example.com", "Ada")
        let token = try ServerProcess.run(
            "token", "--store", store, "--keys", keys, "ada@example.com")
        let server = try ServerProcess(in: directory, "--keys", keys)
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
        #expect(server.end(SIGTERM).status == 0)
        let files = try #require(FileManager.default.subpaths(atPath: store))
        #expect(files.contains("data.mdb") && files.contains { $0.hasPrefix("log/") })
        for file in files where file.contains(".") {
            let data = try Data(contentsOf: URL(fileURLWithPath: store + "/" + file))
            for secret in [body, comment] { #expect(data.range(of: Data(secret.utf8)) == nil) }
        }
    }

    @Test("A missing file of keys is not made anew, and one that is there is not replaced")
    func missingKeys() throws {
        let (store, keys) = (directory + "/tasks.codex", directory + "/keys.json")
        let addition = ["user", "--store", store, "--keys", keys, "ada@example.com", "Ada"]
        #expect(try ServerProcess.outcome(addition).status != 0)
        #expect(!FileManager.default.fileExists(atPath: keys))
        #expect(!FileManager.default.fileExists(atPath: store))
        try ServerProcess.run("keys", keys)
        let made = FileManager.default.contents(atPath: keys)
        #expect(try ServerProcess.outcome(["keys", keys]).status != 0)
        #expect(made != nil && FileManager.default.contents(atPath: keys) == made)
    }

    @Test("It ends when it is told to, and others use the store beside it")
    func ended() async throws {
        let token = try prepare()
        let server = try ServerProcess(in: directory)
        // The running server sees a user and a session that another process creates at once.
        let store = directory + "/tasks.codex"
        try ServerProcess.run("user", "--store", store, "bob@example.com", "Bob")
        let other = try ServerProcess.run("token", "--store", store, "bob@example.com")
        for token in [token, other] {
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/me")
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            #expect(response.status == .ok)
        }
        let end = server.end(SIGTERM)
        #expect(end.reason == .exit && end.status == 0)
    }
}
