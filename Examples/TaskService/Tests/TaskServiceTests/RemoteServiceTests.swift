import Codex
import CodexRemote
import CodexTesting
import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import Synchronization
import Testing

@testable import TaskService

@Suite("The service on a remote table")
struct RemoteServiceTests {
    /// The table of data at an endpoint.
    private static func table(of data: TaskData) throws -> RemoteTable {
        guard case .table(let table) = data else {
            throw CodexError(.unsupportedOperation, "The data is in a store.")
        }
        return table
    }

    @Test("What a remote table does not have is refused")
    func absent() async throws {
        let service = try await Service(.endpoint)
        try await service.run { client in
            let answer = try await client.send(.get, "/projects/ENG/analytics")
            #expect(answer.status == 501 && answer.error["code"] == "unsupportedOperation")
            let health = try await client.send(.get, "/health", as: nil)
            #expect(health.status == 200 && health.data.isEmpty)
        }
    }

    @Test("A write without an answer is reported as of unknown outcome, and happens once")
    func unknownOutcome() async throws {
        let service = try await Service(.endpoint)
        let server = try #require(service.server)
        try await service.run { client in
            server.loseAnswers(to: ["TransactWriteItems"])
            let answer = try await client.send(
                .post, "/tasks", #"{"project": "ENG", "title": "T"}"#)
            #expect(answer.status == 500 && answer.error["code"] == "outcomeUnknown")
        }
        #expect(try await service.tasks.count == 1)
    }

    @Test("While the table cannot be read, answers are typed, and afterwards it is as before")
    func unavailable() async throws {
        let service = try await Service(.endpoint)
        let server = try #require(service.server)
        try await service.run { client in
            server.loseAnswers(to: ["BatchGetItem", "GetItem", "Query"])
            let body = #"{"project": "ENG", "title": "T"}"#
            let answers = [
                try await client.send(.get, "/me"), try await client.send(.post, "/tasks", body),
            ]
            for answer in answers {
                #expect(answer.status == 503 && answer.error["code"] == "unavailable")
                #expect(answer.headers[.retryAfter] == "1")
            }
            server.loseAnswers(to: [])
            #expect(try await client.send(.get, "/me").status == 200)
        }
        #expect(try await service.tasks.isEmpty)
    }

    @Test(
        "Errors of a service have their statuses",
        arguments: [
            (.outcomeUnknown, 500), (.accessDenied, 500), (.unavailable, 503), (.timedOut, 503),
            (.throttled, 503), (.writeConflict, 503), (.transactionCancelled, 503),
            (.limitReached, 503), (.indexNotReady, 503), (.unsupportedOperation, 501),
            (.transactionTooLarge, 422),
        ] as [(CodexError.Code, Int)])
    func statuses(code: CodexError.Code, status: Int) {
        let failure = Failure(CodexError(code, "It failed."))
        #expect(failure.status.code == status && failure.code == code.description)
        #expect((failure.headers[.retryAfter] != nil) == (status == 503))
    }

    // MARK: Lists by label, and verification

    @Test("With another stream, the lists by label are built again")
    func labelsStartOver() async throws {
        let service = try await Service(.endpoint)
        let table = try Self.table(of: service.data)
        let backend = try CodexFlow.TableWorkspaceBackend(table)
        _ = try await backend.rebuildLabels()
        // No consumer runs, so the list lacks the task.
        try await service.addTask("t", labels: ["a"])
        #expect(try await backend.verifyLabels().missingCount == 1)
        try await LabelLists(table, logger: Logger(label: "test")).startOver()
        #expect(try await backend.verifyLabels().missingCount == 0)
        let found = try await service.workspace.all(.tasks(in: "p", label: "a"))
        #expect(found.map(\.title) == ["t"])
    }

    @Test("A verification finds totals that another program made wrong")
    func problems() async throws {
        let service = try await Service(.endpoint)
        try await service.addTask("t", labels: [])
        #expect(try await service.data.problems() == [])
        try await Self.table(of: service.data).delete(PrimaryKey("PROJECT#p", "TASK#t"))
        let problems = try await service.data.problems()
        #expect(problems == ["The totals of tasks are wrong in 1 projects."])
    }

    // MARK: Counted requests

    /// A counter in a table, with a clock that the test moves.
    private static func counter(
        _ server: DynamoDBServer, limit: Int, _ clock: ManualClock
    ) async throws -> RemoteRequestCounter {
        RemoteRequestCounter(
            table: try table(of: try await server.connect()), limit: limit, now: { clock.now })
    }

    @Test("A minute has as many requests as the limit, and so has the next one")
    func minutes() async throws {
        let (server, clock) = (try await DynamoDBServer(), ManualClock(Date()))
        defer { withExtendedLifetime(server) {} }
        let counter = try await Self.counter(server, limit: 3, clock)
        for step in [0.0, 60, 60] {
            clock.advance(by: step)
            var remaining: [Int?] = []
            for _ in 0..<3 { remaining.append(try await counter.verdict(for: "ada").remaining) }
            #expect(remaining == [2, 1, 0])
            clock.advance(by: 59)
            let refused = try await counter.verdict(for: "ada")
            #expect(!refused.isAllowed && refused.secondsToWait == 1)
            #expect(try await counter.verdict(for: "bob").isAllowed)
            clock.advance(by: -59)
        }
    }

    @Test("Requests of several processes at once are all counted")
    func together() async throws {
        let (server, clock) = (try await DynamoDBServer(), ManualClock(Date()))
        defer { withExtendedLifetime(server) {} }
        let first = try await Self.counter(server, limit: 10, clock)
        let second = try await Self.counter(server, limit: 10, clock)
        let allowedCount = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<30 {
                group.addTask {
                    try await (number % 2 == 0 ? first : second).verdict(for: "ada").isAllowed
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(allowedCount == 10)
    }

    // MARK: Deadlines

    @Test("A request has the time that is left until the deadline, and nothing is sent after it")
    func deadline() async throws {
        let base = RecordedTransport()
        let transport = DeadlineTransport(base: base)
        let request = TransportRequest(
            method: "POST", url: "http://127.0.0.1/", timeout: .seconds(3),
            responseByteCountMax: 1)
        func send(_ deadline: ContinuousClock.Instant?) async throws {
            try await AnswerDeadline.$current.withValue(deadline) {
                _ = try await transport.send(request)
            }
        }
        try await send(nil)
        try await send(ContinuousClock.now + .seconds(60))
        try await send(ContinuousClock.now + .seconds(2))
        await #expect(throws: TransportFailure.self) { try await send(ContinuousClock.now) }
        let timeouts = base.timeouts.withLock { $0 }
        #expect(timeouts.count == 3 && timeouts.prefix(2) == [.seconds(3), .seconds(3)])
        #expect(timeouts.last.map { $0 <= .seconds(2) && $0 > .zero } == true)
    }
}

/// A transport that answers at once, and keeps the timeouts of its requests.
private final class RecordedTransport: HTTPTransport {
    let timeouts = Mutex<[Duration]>([])

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        timeouts.withLock { $0.append(request.timeout) }
        return TransportResponse(status: 200)
    }

    func close() async {}
}
