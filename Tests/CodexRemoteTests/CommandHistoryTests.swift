#if Remote
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import CodexWorkspace
    import Foundation
    import Synchronization
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// A network between a client and a service in this process: it drops, delays, doubles and cuts
    /// what it carries.
    private final class RoughTransport: HTTPTransport {
        private enum Event {
            /// The request does not arrive.
            case drop
            /// The answer does not arrive.
            case lose
            /// The request arrives twice.
            case double
            /// Half of the answer arrives.
            case cut
            /// The request arrives after others.
            case delay
            case none
        }

        private let service: ServiceTransport
        private let random: Mutex<SplitMix>

        init(_ service: ServiceTransport, seed: UInt64) {
            self.service = service
            random = Mutex(SplitMix(seed: seed))
        }

        private func nextEvent() -> Event {
            switch random.withLock({ $0.below(100) }) {
            case 0..<6: .drop
            case 6..<12: .lose
            case 12..<17: .double
            case 17..<22: .cut
            case 22..<32: .delay
            default: .none
            }
        }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let event = nextEvent()
            if event == .drop { throw TransportFailure(.interrupted) }
            if event == .delay { for _ in 0..<20 { await Task.yield() } }
            if event == .double { _ = try await service.send(request) }
            var response = try await service.send(request)
            if event == .lose { throw TransportFailure(.timedOut) }
            if event == .cut, response.status == 200 {
                response.body = Array(response.body.prefix(response.body.count / 2))
            }
            return response
        }

        func close() async {}
    }

    /// Commands of several clients over a rough network: none is lost, and none happens twice.
    @Suite("Histories of commands")
    struct CommandHistoryTests {
        private enum Kind: CaseIterable {
            case task, comment, work

            /// How often each client sends it; a day has room for the hours of all clients.
            var count: Int { self == .work ? 6 : 12 }
        }

        private static let clientCount = 3

        private static func backend(
            _ transport: some HTTPTransport
        ) throws -> CodexFlow.TableWorkspaceBackend {
            var options = RemoteOptions()
            options.region = "us-east-1"
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = transport
            options.retries.attemptCountMax = 8
            options.retries.firstPause = .milliseconds(1)
            options.retries.pauseMax = .milliseconds(4)
            let definition = try CodexFlow.schema.table(CodexFlow.table)
            return try CodexFlow.TableWorkspaceBackend(
                RemoteTable(definition, try RemoteClient(options)))
        }

        private static func workspace(
            _ backend: CodexFlow.TableWorkspaceBackend
        ) -> CodexFlow.Workspace {
            CodexFlow.Workspace(backend, calendar: CodexFlow.UTCCalendar())
        }

        /// What a program does after these: it sends the command again, with the same key.
        private static let passing: Set<CodexError.Code> = [
            .outcomeUnknown, .unavailable, .timedOut, .throttled, .invalidResponse, .writeConflict,
            .transactionCancelled,
        ]

        /// Sends a command until it has a result.
        private static func perform(
            _ command: () async throws -> Void
        ) async throws {
            for _ in 0..<100 {
                do {
                    return try await command()
                } catch let error as CodexError where passing.contains(error.code) {
                    continue
                }
            }
            Issue.record("A command had no result after 100 repetitions.")
        }

        /// The commands of one client, in a random order.
        private static func send(
            _ workspace: CodexFlow.Workspace, client: Int, day: CalendarDay, seed: UInt64
        ) async throws {
            var random = SplitMix(seed: seed)
            var kinds = Kind.allCases.flatMap { [Kind](repeating: $0, count: $0.count) }
            kinds.shuffle(using: &random)
            for (number, kind) in kinds.enumerated() {
                let once = workspace.idempotent("\(client)-\(number)")
                let id = try CodexFlow.Task.ID("t\(client)-\(number)")
                try await perform {
                    switch kind {
                    case .task:
                        try await once.createTask(in: "p", by: "mia", id: id) { $0.title = "T" }
                    case .comment:
                        _ = try await once.addComment(on: "shared", in: "p", by: "max", "C")
                    case .work:
                        try await once.logWork(1, on: "shared", in: "p", by: "mia", day: day)
                    }
                }
            }
        }

        @Test("Each command of several clients happens once")
        func once() async throws {
            let seed = UInt64.random(in: 1...1_000_000)
            print("histories of commands: seed \(seed)")
            let temporary = try TemporaryStore()
            let service = ServiceTransport(service: DynamoDBService(temporary.store))
            let smooth = try Self.backend(service)
            try await ConformanceTests.team(Self.workspace(smooth))
            try await Self.workspace(smooth).createTask(in: "p", by: "mia", id: "shared") {
                $0.title = "T"
            }
            let day = CalendarDay(Date())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<Self.clientCount {
                    let seed = seed + UInt64(client)
                    let workspace = Self.workspace(
                        try Self.backend(RoughTransport(service, seed: seed)))
                    group.addTask {
                        try await Self.send(workspace, client: client, day: day, seed: seed)
                    }
                }
                try await group.waitForAll()
            }
            try Self.check(temporary.store, day, seed)
            #expect(try await smooth.verifyMarkers().missingCount == 0, "seed \(seed)")
            let totals = try await smooth.verifyTaskTotals()
            #expect(totals.projectCount == 1 && totals.differingCount == 0, "seed \(seed)")
        }

        /// Checks that nothing is lost or doubled.
        private static func check(_ store: Store, _ day: CalendarDay, _ seed: UInt64) throws {
            let tasks = try store.all(.tasks(in: "p"))
            #expect(tasks.count == clientCount * Kind.task.count + 1, "seed \(seed)")
            #expect(Set(tasks.map(\.number)).count == tasks.count, "seed \(seed)")
            let commentCount = clientCount * Kind.comment.count
            let comments = try store.all(.comments(on: "shared", in: "p"))
            #expect(comments.count == commentCount, "seed \(seed)")
            let entries = try store.all(.activity(of: "shared", in: "p"))
            #expect(
                entries.filter { $0.kind == .commented }.count == commentCount, "seed \(seed)")
            let hours = try store.all(.work(of: "mia", from: day, through: day)).map(\.hours.double)
            #expect(
                hours.reduce(0, +) == Double(clientCount * Kind.work.count), "seed \(seed)")
        }
    }
#endif
