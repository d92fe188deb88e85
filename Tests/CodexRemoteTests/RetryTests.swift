#if Remote
    import CodexCore
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// How often and with which pauses a client repeats requests.
    @Suite("Repetitions")
    struct RetryTests {
        private static let throttled = FakeTransport.refusal("ThrottlingException")

        private func error(_ scene: Scene) async -> CodexError? {
            await Scene.error { _ = try await scene.table.get(Scene.key) }
        }

        @Test("Pauses double up to the longest one, and the attempts end")
        func pauses() async throws {
            let scene = try Scene([Self.throttled]) {
                $0.retries.attemptCountMax = 6
                $0.retries.pauseMax = .milliseconds(300)
            }
            let failure = await error(scene)
            #expect(failure?.code == .throttled)
            #expect((failure?.cause as? RemoteFailure)?.attemptCount == 6)
            #expect(scene.clock.sleeps == milliseconds(50, 100, 200, 300, 300))
        }

        @Test("A pause is the random part of its longest length")
        func jitter() async throws {
            let scene = try Scene([Self.throttled], random: 0.5) { $0.retries.attemptCountMax = 3 }
            #expect(await error(scene)?.code == .throttled)
            #expect(scene.clock.sleeps == [.milliseconds(25), .milliseconds(50)])
        }

        @Test("The deadline ends the attempts before a pause that is too long")
        func deadline() async throws {
            let scene = try Scene([Self.throttled]) { $0.retries.deadline = .milliseconds(150) }
            #expect(await error(scene)?.code == .throttled)
            #expect(scene.clock.sleeps == [.milliseconds(50)])
            #expect(scene.transport.requests.map(\.timeout).last == .milliseconds(100))
        }

        @Test("All requests share the budget, and successes fill it again")
        func budget() async throws {
            let scene = try Scene([Self.throttled]) { $0.retries.budget = 10 }
            #expect(await error(scene)?.code == .throttled)
            #expect(scene.transport.requests.count == 3)
            #expect(await error(scene)?.code == .throttled)
            #expect(scene.transport.requests.count == 4)
            let budget = RetryBudget(10)
            #expect(budget.take(10) && !budget.take(1))
            budget.give(5)
            #expect(!budget.take(6) && budget.take(5))
            budget.give(100)
            #expect(!budget.take(11) && budget.take(10))
        }

        @Test(
            "What passes is repeated, and what does not is not",
            arguments: [
                ("InternalServerError", 500, 2), ("ServiceUnavailable", 503, 2),
                ("ProvisionedThroughputExceededException", 400, 2),
                ("TransactionConflictException", 400, 2), ("RequestLimitExceeded", 400, 2),
                ("ValidationException", 400, 1), ("ResourceNotFoundException", 400, 1),
                ("AccessDeniedException", 400, 1), ("UnknownOperationException", 400, 1),
            ])
        func kinds(type: String, status: Int, count: Int) async throws {
            let scene = try Scene(
                [
                    FakeTransport.refusal(type, status: status),
                    FakeTransport.answer(
                        #"{"Item":{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"1"}}}"#),
                ])
            let error = await error(scene)
            #expect(scene.transport.requests.count == count)
            #expect((error == nil) == (count == 2))
            if let error { #expect(!"\(error)".contains("SECRET")) }
        }

        @Test("Each refusal has its code")
        func codes() async throws {
            let codes: [(String, CodexError.Code)] = [
                ("ValidationException", .invalidArgument),
                ("ResourceNotFoundException", .unknownTable),
                ("AccessDeniedException", .accessDenied),
                ("UnrecognizedClientException", .accessDenied),
                ("UnknownOperationException", .unsupportedOperation),
                ("ResourceInUseException", .inUse), ("LimitExceededException", .limitReached),
                ("ConditionalCheckFailedException", .conditionFailed),
            ]
            for (type, code) in codes {
                let scene = try Scene([FakeTransport.refusal(type)])
                let error = await error(scene)
                #expect(error?.code == code, "\(type)")
                let cause = error?.cause as? RemoteFailure
                #expect(cause?.type == type && cause?.serviceMessage == "SECRET")
            }
        }

        @Test("A broken connection is repeated for a read")
        func transport() async throws {
            for kind in [TransportFailure.Kind.notSent, .timedOut, .interrupted] {
                let scene = try Scene([FakeTransport.failure(kind), FakeTransport.answer()])
                #expect(try await scene.table.get(Scene.key) == nil)
                #expect(scene.transport.requests.count == 2)
            }
            let large = try Scene([FakeTransport.failure(.responseTooLarge)])
            #expect(await error(large)?.code == .invalidResponse)
            #expect(large.transport.requests.count == 1)
        }

        // MARK: The clock and the credentials

        private func date(_ request: TransportRequest) -> String? {
            request.headers.first { $0.name == "x-amz-date" }?.value
        }

        @Test("A refused date corrects the clock, at once and for later requests")
        func skew() async throws {
            // The service is an hour ahead: 1,795,836,600 seconds.
            let scene = try Scene(
                [
                    FakeTransport.refusal(
                        "InvalidSignatureException", ["Date": "Sat, 28 Nov 2026 03:30:00 GMT"]),
                    FakeTransport.answer(),
                ])
            _ = try await scene.table.get(Scene.key)
            _ = try await scene.table.get(Scene.key)
            #expect(scene.clock.sleeps.isEmpty)
            #expect(
                scene.transport.requests.map { date($0) }
                    == ["20261128T023000Z", "20261128T033000Z", "20261128T033000Z"])
        }

        @Test("A wrong signature at the right time is refused at once")
        func wrongKey() async throws {
            let scene = try Scene(
                [
                    FakeTransport.refusal(
                        "InvalidSignatureException", ["date": "Sat, 28 Nov 2026 02:33:00 GMT"])
                ])
            #expect(await error(scene)?.code == .accessDenied)
            #expect(scene.transport.requests.count == 1)
        }

        @Test("Dates of headers, and what is none")
        func dates() {
            let known = HTTPDate.date("Sun, 06 Nov 1994 08:49:37 GMT")
            #expect(known?.timeIntervalSince1970 == 784_111_777)
            for text in [
                "", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49 GMT", "1994-11-06",
                "Sun, +6 Nov 1994 08:49:37 GMT",
            ] {
                #expect(HTTPDate.date(text) == nil, "\(text)")
            }
        }

        /// A source that counts how often it is asked.
        private final class CountingSource: CredentialsProvider {
            private let count = Mutex(0)
            /// Whether each call gives another key.
            private let rotates: Bool

            init(rotates: Bool) { self.rotates = rotates }

            var callCount: Int { count.withLock { $0 } }

            func credentials() async throws -> AWSCredentials? {
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return AWSCredentials(
                    accessKeyID: rotates ? "KEY\(number)" : "KEY", secretAccessKey: "S")
            }
        }

        private static let refusalsOfKeys = [
            "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId",
            "UnrecognizedClientException",
        ]

        @Test("Credentials that the service refuses are replaced once", arguments: refusalsOfKeys)
        func staleCredentials(type: String) async throws {
            let scene = try Scene([FakeTransport.refusal(type), FakeTransport.answer()]) {
                $0.credentials = CountingSource(rotates: true)
            }
            _ = try await scene.table.get(Scene.key)
            let keys = scene.transport.requests.map { request in
                request.headers.first { $0.name == "authorization" }?.value.contains("KEY2/")
            }
            #expect(keys == [false, true])
        }

        @Test("A source that gives a refused key again is asked after a pause, and not each time")
        func refusedKey() async throws {
            let source = CountingSource(rotates: false)
            let scene = try Scene([FakeTransport.refusal("UnrecognizedClientException")]) {
                $0.credentials = source
            }
            for (seconds, requestCount, callCount) in [
                (0, 2, 2), (0, 3, 2), (29, 4, 2), (1, 6, 3), (0, 7, 3),
            ] {
                scene.clock.pass(.seconds(seconds))
                #expect(await error(scene)?.code == .accessDenied)
                #expect(scene.transport.requests.count == requestCount)
                #expect(source.callCount == callCount)
            }
        }

        // MARK: Reports and options

        @Test("A report tells what a request took")
        func reports() async throws {
            let reports = Mutex<[RequestReport]>([])
            let observer: @Sendable (RequestReport) -> Void = { report in
                reports.withLock { $0.append(report) }
            }
            let scene = try Scene(
                [Self.throttled, FakeTransport.failure(.timedOut), FakeTransport.answer()]
            ) { $0.observer = observer }
            _ = try await scene.table.get(Scene.key)
            let report = try #require(reports.withLock { $0.first })
            #expect(report.operation == "GetItem" && report.attemptCount == 3)
            #expect(report.failures == [.throttled, .timedOut] && report.code == nil)
            #expect(report.duration == .milliseconds(150) && report.responseByteCount == 2)
        }

        @Test("Options out of range are refused")
        func options() {
            let changes: [(inout RemoteOptions) -> Void] = [
                { $0.requestCountMax = 0 }, { $0.waitingCountMax = -1 },
                { $0.responseMemoryMax = 0 },
                { $0.retries.attemptCountMax = 0 }, { $0.retries.deadline = .seconds(301) },
                { $0.retries.deadline = .zero }, { $0.retries.attemptTimeout = .zero },
                { $0.region = "US EAST" }, { $0.endpoint = "ftp://a" },
            ]
            for change in changes {
                #expect(throws: CodexError(.invalidArgument, "")) {
                    _ = try Scene([FakeTransport.answer()], change)
                }
            }
        }
    }
#endif
