import Codex
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import TaskService

@Suite("The service over a socket")
struct ServiceTests {
    @Test("Tasks are created, read, listed, changed, moved and archived", arguments: Place.allCases)
    func tasks(place: Place) async throws {
        let service = try await Service(place)
        try await service.run { client in
            let created = try await client.send(
                .post, "/tasks",
                """
                {"project": "ENG", "title": "Note G", "description": "all of it", "status": "todo",
                "kind": "feature", "priority": "high", "estimate": 5, "labels": ["a", "b"],
                "dueDate": "2027-01-31", "assignee": "bob",
                "acceptanceCriteria": [{"id": "1", "text": "c"}]}
                """)
            #expect(created.status == 201 && created.body["success"] == true)
            #expect(created.headers[.location] == "/tasks/ENG-1")
            let expected: AttributeMap = [
                "key": "ENG-1", "projectId": "p", "title": "Note G", "description": "all of it",
                "status": "todo", "kind": "feature", "priority": "high", "estimate": 5,
                "labels": ["a", "b"], "dueDate": "2027-01-31", "assignee": "bob", "reporter": "ada",
                "acceptanceCriteria": [["id": "1", "met": false, "text": "c"]],
            ]
            for element in expected { #expect(created.data[element.name] == element.value) }
            let meta = created.body["meta"]?.map
            #expect(meta?["requestId"]?.string?.isEmpty == false)
            #expect(meta?["timestamp"].flatMap(Date.init(attributeValue:)) != nil)
            let read = try await client.send(.get, "/tasks/ENG-1", as: "bob")
            #expect(read.status == 200 && read.data == created.data)

            let changed = try await client.send(
                .patch, "/tasks/ENG-1",
                #"{"title": "New", "estimate": null, "assignee": null, "dueDate": null}"#)
            #expect(changed.data["title"] == "New" && changed.data["description"] == "all of it")
            for name in ["estimate", "assignee", "dueDate"] { #expect(changed.data[name] == nil) }
            // A client that read an older state gets an error.
            let stale = created.data["updatedAt"]?.string ?? ""
            let refused = try await client.send(
                .patch, "/tasks/ENG-1", #"{"title": "Newer", "updatedAt": "\#(stale)"}"#)
            #expect(refused.status == 409 && refused.error["rule"] == "taskStale")
            // A refused request changes nothing.
            let half = try await client.send(
                .patch, "/tasks/ENG-1", #"{"title": "Half", "assignee": "eve"}"#)
            #expect(half.status == 422 && half.paths == ["assignee"])
            #expect(try await client.send(.get, "/tasks/ENG-1").data == changed.data)
            let both = try await client.send(
                .patch, "/tasks/ENG-1", #"{"title": "Both", "assignee": "bob"}"#)
            #expect(both.data["title"] == "Both" && both.data["assignee"] == "bob")
            let moved = try await client.send(
                .post, "/tasks/ENG-1/move", #"{"status": "inProgress"}"#)
            #expect(moved.data["startedAt"] != nil)
            let archived = try await client.send(.delete, "/tasks/ENG-1")
            #expect(archived.data["archivedAt"] != nil)
            let comment = try await client.send(
                .post, "/tasks/ENG-1/comments", as: "bob", #"{"text": "so"}"#)
            #expect(comment.status == 201 && comment.data["author"] == "bob")
            _ = try await client.send(.post, "/tasks/ENG-1/comments", #"{"text": "yes"}"#)
            var (texts, token): ([String], String?) = ([], nil)
            repeat {
                let after = token.map { "&after=\($0)" } ?? ""
                let page = try await client.send(.get, "/tasks/ENG-1/comments?limit=1\(after)")
                let list = page.body["data"]?.list ?? []
                #expect(list.count <= 1)
                texts += list.compactMap { $0.map?["text"]?.string }
                token = page.body["meta"]?.map?["next"]?.string
            } while token != nil
            #expect(texts == ["so", "yes"])
        }
    }

    @Test("Lists go on page by page, and are of what was asked for", arguments: Place.allCases)
    func lists(place: Place) async throws {
        let service = try await Service(place)
        for number in 1...7 {
            try await service.workspace.createTask(in: "p", by: "ada", id: try .init("t\(number)"))
            {
                ($0.title, $0.assigneeID) = ("T\(number)", "bob")
                $0.status = number % 2 == 0 ? .todo : .backlog
                $0.dueDate = CalendarDay("2027-01-0\(number)")
            }
        }
        try await service.run { client in
            var (titles, token): ([String], String?) = ([], nil)
            repeat {
                let after = token.map { "&after=\($0)" } ?? ""
                let page = try await client.send(.get, "/tasks?project=ENG&limit=3\(after)")
                titles += page.body["data"]?.list?.compactMap { $0.map?["title"]?.string } ?? []
                token = page.body["meta"]?.map?["next"]?.string
            } while token != nil
            #expect(titles == (1...7).map { "T\($0)" })
            for (query, count) in [("status=todo", 3), ("dueThrough=2027-01-03", 3)] {
                let page = try await client.send(.get, "/tasks?project=ENG&\(query)", as: "bob")
                #expect(page.body["meta"]?.map?["count"]?.number == Number(count), "\(query)")
            }
            let own = try await client.send(.get, "/tasks", as: "bob")
            #expect(own.body["data"]?.list?.count == 7)
            #expect(try await client.send(.get, "/tasks", as: "eve").body["data"] == [])
            for query in [
                "limit=0", "limit=101", "limit=x", "after=none", "status=nope", "dueThrough=1",
                "status=todo&label=late", "stauts=todo",
            ] {
                let answer = try await client.send(.get, "/tasks?project=ENG&\(query)")
                #expect(answer.status == 400 && answer.body["success"] == false, "\(query)")
            }
        }
    }

    @Test(
        "A list by label has the tasks of before the start, and follows the requests",
        arguments: Place.allCases)
    func labels(place: Place) async throws {
        let service = try await Service(place)
        for id in ["t1", "t2", "t3"] { try await service.addTask(id, labels: ["a"]) }
        try await service.run { client in
            let all = ["t1", "t2", "t3"]
            #expect(try await client.titles(ofLabel: "a", until: all) == all)
            let part = try await client.send(.get, "/tasks?project=ENG&label=a&limit=2")
            let next = try #require(part.body["meta"]?.map?["next"]?.string)
            let rest = try await client.send(.get, "/tasks?project=ENG&label=a&after=\(next)")
            #expect(part.titles + rest.titles == all)
            _ = try await client.send(
                .post, "/tasks", #"{"project": "ENG", "title": "new", "labels": ["b"]}"#)
            #expect(try await client.titles(ofLabel: "b", until: ["new"]) == ["new"])
            _ = try await client.send(.patch, "/tasks/ENG-1", #"{"labels": ["c"]}"#)
            // A task that lost the label is passed over at once.
            let left = try await client.send(.get, "/tasks?project=ENG&label=a")
            #expect(left.titles == ["t2", "t3"])
            #expect(try await client.titles(ofLabel: "c", until: ["t1"]) == ["t1"])
        }
    }

    @Test(
        "Wrong fields are named, all at once, and nothing is written",
        arguments: [
            (#"{}"#, 422, ["project", "title"]),
            (#"{"project": "ENG", "title": 7}"#, 422, ["title"]),
            (#"{"project": "ENG", "title": "T", "status": "late"}"#, 422, ["status"]),
            (
                #"{"project": "ENG", "title": "T", "estimate": 1.5, "dueDate": "soon"}"#, 422,
                ["estimate", "dueDate"]
            ),
            (
                #"{"project": "ENG", "title": "T", "labels": ["a", 1, null]}"#, 422,
                ["labels[1]", "labels[2]"]
            ),
            (
                #"{"project": "ENG", "title": "T", "acceptanceCriteria": [{"id": "1"}, 2, {"id": "3", "text": "t", "x": 1}]}"#,
                422,
                ["acceptanceCriteria[0].text", "acceptanceCriteria[1]", "acceptanceCriteria[2].x"]
            ),
            (#"{"project": "ENG", "title": "T", "assignee": "a#b"}"#, 422, ["assignee"]),
            (#"{"project": "NONE", "title": "T"}"#, 422, ["project"]),
            (#"{"project": "ENG", "title": "   "}"#, 422, ["title"]),
            (#"{"project": "ENG", "title": "T", "estimate": 5000}"#, 422, ["estimate"]),
            (#"{"project": "ENG", "title": "T", "status": "done"}"#, 422, ["status"]),
            (#"{"project": "ENG", "title": "T", "assignee": "eve"}"#, 422, ["assignee"]),
            (#"{"project": "ENG", "title": "T""#, 400, []), (#"[]"#, 400, []), ("", 400, []),
            (String(repeating: #"{"a":"#, count: 500), 400, []),
            (#"{"project": "ENG", "title": "\#u{0}"}"#, 400, []),
        ] as [(String, Int, [String])], Place.allCases)
    func validation(request: (String, Int, [String]), place: Place) async throws {
        let (body, status, paths) = request
        let service = try await Service(place)
        try await service.run { client in
            let answer = try await client.send(.post, "/tasks", body)
            #expect(answer.status == status)
            #expect(answer.body["success"] == false && answer.error["message"] != nil)
            #expect(Set(answer.paths) == Set(paths), "\(answer.error)")
        }
        #expect(try await service.tasks.isEmpty)
    }

    @Test(
        "Only who has a session is answered, and only of what is theirs",
        arguments: Place.allCases)
    func sessions(place: Place) async throws {
        let service = try await Service(place)
        try await service.run { client in
            _ = try await client.send(.post, "/tasks", #"{"project": "ENG", "title": "T"}"#)
            for user in [nil, "wrong", ""] as [String?] {
                for uri in ["/tasks/ENG-1", "/me", "/tasks?project=ENG"] {
                    let answer = try await client.send(.get, uri, as: user)
                    #expect(answer.status == 401 && answer.body["data"] == nil)
                }
            }
            // A resource that the user may not see counts as missing.
            for uri in ["/tasks/ENG-1", "/tasks/ENG-9", "/projects/ENG", "/tasks?project=ENG"] {
                #expect(try await client.send(.get, uri, as: "eve").status == 404)
            }
            for uri in ["/tasks/ENG", "/tasks/ENG-", "/tasks/ENG-0", "/tasks/ENG-1-2", "/tasks/-1"]
            {
                #expect(try await client.send(.get, uri).status == 404)
            }
            for body in [#"{"project": "ENG", "title": "T"}"#, #"{"project": "X", "title": "T"}"#] {
                let answer = try await client.send(.post, "/tasks", as: "eve", body)
                #expect(answer.status == 422 && answer.paths == ["project"])
            }
            // A user cannot find out who owns an email address.
            for email in ["ada@example.com", "none@example.com"] {
                let body = #"{"email": "\#(email)"}"#
                for (user, status) in [("eve", 404), ("bob", 403)] {
                    let answer = try await client.send(
                        .post, "/projects/ENG/members", as: user, body)
                    #expect(answer.status == status)
                }
            }
            #expect(try await client.send(.get, "/me", as: "bob").data["userId"] == "bob")
            #expect(try await client.send(.delete, "/sessions/current", as: "bob").status == 200)
            #expect(try await client.send(.get, "/me", as: "bob").status == 401)
            try await service.workspace.suspendUser("ada")
            #expect(try await client.send(.get, "/me").status == 401)
            #expect(try await client.send(.get, "/nowhere", as: nil).status == 404)
            #expect(try await client.send(.get, "/health", as: nil).status == 200)
        }
    }

    @Test("A user's requests are limited, and others' are not", arguments: Place.allCases)
    func limits(place: Place) async throws {
        var service = try await Service(place)
        service.configuration.requestsPerMinute = 5
        try await service.run { client in
            for remaining in (0..<5).reversed() {
                let answer = try await client.send(.get, "/me")
                #expect(answer.status == 200)
                let name = try #require(HTTPField.Name("X-RateLimit-Remaining"))
                #expect(answer.headers[name] == "\(remaining)")
            }
            let refused = try await client.send(.get, "/me")
            #expect(refused.status == 429 && refused.error["code"] == "rateLimited")
            let wait = try #require(refused.headers[.retryAfter].flatMap { Int($0) })
            #expect((1...61).contains(wait))
            #expect(try await client.send(.get, "/me", as: "bob").status == 200)
        }
        // A restart keeps the count of requests.
        try await service.run { client in
            let answer = try await client.send(.get, "/me")
            #expect(answer.status == 429)
        }
    }

    @Test("Bodies are so large, and arrive in time", arguments: Place.allCases)
    func bodies(place: Place) async throws {
        var service = try await Service(place)
        service.configuration.bodyTimeout = .milliseconds(300)
        // This leaves time for the answer that reports the timeout, on any machine.
        service.configuration.idleTimeout = .seconds(60)
        let token = try #require(service.tokens["ada"])
        try await service.run { client in
            let large = #"{"project": "ENG", "title": "T", "description": ""#
            let padding = String(repeating: "x", count: 1 << 20)
            let answer = try await client.send(.post, "/tasks", large + padding + #""}"#)
            #expect(answer.status == 413 && answer.error["code"] == "bodyTooLarge")
            // A body that never ends.
            let head =
                "POST /tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\n"
                + "Content-Length: 100\r\n\r\n{"
            let slow = try RawConnection(port: client.port)
            try slow.send(head)
            #expect(try await slow.readToEnd().contains("408"))
        }
        service.configuration.idleTimeout = .milliseconds(2000)
        try await service.run { client in
            // A head that never ends, and a request whose answer no client awaits.
            for text in [
                "GET /me HTTP/1.1\r\nHost:",
                "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
            ] {
                let silent = try RawConnection(port: client.port)
                try silent.send(text)
                let answer = try await silent.readToEnd()
                #expect(!answer.contains("HTTP/1.1 2"))
            }
            // They do not block the answers to others.
            #expect(try await client.send(.get, "/me").status == 200)
        }
        #expect(try await service.tasks.isEmpty)
    }

    @Test(
        "Of many who create with one identifier one does, and numbers are each given once",
        arguments: Place.allCases)
    func concurrent(place: Place) async throws {
        let service = try await Service(place)
        try await service.run { client in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await client.send(
                            .post, "/tasks", #"{"project": "ENG", "title": "T", "taskId": "once"}"#
                        ).status
                    }
                }
                for _ in 0..<20 {
                    group.addTask {
                        try await client.send(
                            .post, "/tasks", #"{"project": "ENG", "title": "T"}"#
                        ).status
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [201: 21, 409: 9])
        }
        let numbers = try await service.tasks.compactMap(\.number).sorted()
        #expect(numbers.count == 21 && Set(numbers).count == 21)
        // In a table, a create that is refused may leave a gap.
        #expect(place == .endpoint || numbers == Array(1...21))
    }
}

/// A connection on which a test sends any bytes.
struct RawConnection {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    }

    /// Reads all bytes until the other side closes.
    func readToEnd() async throws -> String {
        try await blocking {
            var (text, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count <= 0 { break }
                text += buffer.prefix(count)
            }
            close(descriptor)
            return String(decoding: text, as: UTF8.self)
        }
    }
}
