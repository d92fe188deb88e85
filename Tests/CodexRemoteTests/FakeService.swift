#if Remote
    import CodexCore
    import Foundation
    import Synchronization

    @testable import CodexRemote

    /// A clock of which each sleep ends at once, and lets its time pass.
    final class FakeClock: RemoteClock {
        private struct State {
            var now = Date(timeIntervalSince1970: 1_795_833_000)
            var elapsed = Duration.zero
            var sleeps: [Duration] = []
        }

        private let state = Mutex(State())

        var now: Date { state.withLock { $0.now } }
        var elapsed: Duration { state.withLock { $0.elapsed } }
        /// The sleeps in their order.
        var sleeps: [Duration] { state.withLock { $0.sleeps } }

        func sleep(for duration: Duration) async throws {
            try Task.checkCancellation()
            state.withLock { $0.sleeps.append(duration) }
            pass(duration)
        }

        /// Lets time pass.
        func pass(_ duration: Duration) {
            state.withLock { state in
                state.elapsed += duration
                state.now += duration.seconds
            }
        }

        /// Sets the wall clock, without time passing.
        func jump(_ seconds: TimeInterval) { state.withLock { $0.now += seconds } }
    }

    /// A transport with the answers of a script; the last one is given again and again.
    final class FakeTransport: HTTPTransport {
        typealias Step = @Sendable (TransportRequest) async throws -> TransportResponse

        private struct State {
            var steps: [Step]
            var requests: [TransportRequest] = []
        }

        private let state: Mutex<State>

        init(_ steps: [Step]) { state = Mutex(State(steps: steps)) }

        /// What was sent.
        var requests: [TransportRequest] { state.withLock { $0.requests } }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let step = state.withLock { state in
                state.requests.append(request)
                return state.steps.count > 1 ? state.steps.removeFirst() : state.steps[0]
            }
            return try await step(request)
        }

        func close() async {}

        // MARK: Steps

        static func answer(
            _ body: String = "{}", status: Int = 200, _ headers: [String: String] = [:]
        ) -> Step {
            { _ in
                TransportResponse(
                    status: status, headers: headers.map { (name: $0.key, value: $0.value) },
                    body: Array(body.utf8))
            }
        }

        static func refusal(
            _ type: String, status: Int = 400, more: String = "", _ headers: [String: String] = [:]
        ) -> Step {
            let name = "com.amazonaws.dynamodb.v20120810#\(type)"
            return answer(
                #"{"__type":"\#(name)","message":"SECRET"\#(more)}"#, status: status, headers)
        }

        static func failure(_ kind: TransportFailure.Kind) -> Step {
            { _ in throw TransportFailure(kind) }
        }

        /// Waits until the task is cancelled.
        static let hang: Step = { _ in
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            for await _ in stream {}
            continuation.finish()
            throw CancellationError()
        }

        /// The operations that were sent.
        var operations: [String] {
            requests.map { request in
                let target = request.headers.first { $0.name == "x-amz-target" }?.value ?? ""
                return String(target.split(separator: ".").last ?? "")
            }
        }

        /// The JSON of the requests.
        func bodies() throws -> [JSONNode] { try requests.map { try JSONNode.parse($0.body) } }
    }

    /// A client of a fake service, whose pauses have their longest length.
    struct Scene {
        let transport: FakeTransport
        let clock = FakeClock()
        let client: RemoteClient
        let table: RemoteTable

        static let definition = TableDefinition(
            "tasks", partitionKey: KeyAttribute("pk"), sortKey: KeyAttribute("sk"))
        static let key = PrimaryKey("a", "b")
        static let item: Item = ["pk": "a", "sk": "b", "n": 1]
        static let isNew = Condition.attributeNotExists("pk")

        init(
            _ steps: [FakeTransport.Step], random: Double = 1,
            _ change: (inout RemoteOptions) -> Void = { _ in }
        ) throws {
            transport = FakeTransport(steps)
            var options = RemoteOptions()
            options.region = "eu-central-1"
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = transport
            change(&options)
            var parts = RemoteClient.Parts()
            parts.clock = clock
            parts.random = { random }
            parts.environment = [:]
            parts.read = { _ in nil }
            client = try RemoteClient(options, parts)
            table = RemoteTable(Self.definition, client)
        }

        /// The error of a call, and nothing if it succeeds.
        static func error(
            of call: () async throws -> Void
        ) async -> CodexError? {
            do {
                try await call()
                return nil
            } catch {
                return error as? CodexError
            }
        }
    }

    /// Durations of so many milliseconds.
    func milliseconds(_ counts: Int...) -> [Duration] { counts.map { .milliseconds($0) } }
#endif
