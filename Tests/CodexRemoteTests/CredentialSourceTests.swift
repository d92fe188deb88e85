#if Remote
    import CodexCore
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// The environment, containers and instances as sources, and the cache before them.
    @Suite("Sources of credentials")
    struct CredentialSourceTests {
        private static let json = """
            {"Code":"Success","AccessKeyId":"ID","SecretAccessKey":"S","Token":"T",
            "Expiration":"2026-11-28T08:30:00Z"}
            """

        @Test("The variables of the environment")
        func environment() async throws {
            let id = "AWS_ACCESS_KEY_ID"
            let secret = "AWS_SECRET_ACCESS_KEY"
            #expect(try await EnvironmentCredentials([:]).credentials() == nil)
            #expect(try await EnvironmentCredentials([id: "", secret: ""]).credentials() == nil)
            let found = try await EnvironmentCredentials([
                id: "ID", secret: "S", "AWS_SESSION_TOKEN": "T",
            ]).credentials()
            #expect(found?.accessKeyID == "ID" && found?.sessionToken == "T")
            for alone in [[id: "ID"], [secret: "S"], [id: "ID", secret: ""]] {
                await #expect(throws: CodexError(.credentialsUnavailable, "")) {
                    _ = try await EnvironmentCredentials(alone).credentials()
                }
            }
        }

        // MARK: Containers

        private func container(
            _ environment: [String: String], _ transport: FakeTransport,
            file: String? = nil
        ) -> ContainerCredentials {
            ContainerCredentials(
                CredentialsRequest(transport: transport, clock: FakeClock()),
                SharedFiles(environment: environment) { _ in file.map { Array($0.utf8) } })
        }

        private static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        private static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        private static let token = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

        @Test("A container's endpoint gives a temporary key")
        func containers() async throws {
            let transport = FakeTransport([FakeTransport.answer(Self.json)])
            let found = try await container(
                [Self.relative: "/v2/creds?id=1", Self.token: "Bearer X"], transport
            ).credentials()
            #expect(found?.sessionToken == "T")
            #expect(found?.expiration == Timestamp.date("2026-11-28T08:30:00Z"))
            let request = try #require(transport.requests.first)
            #expect(request.url == "http://169.254.170.2/v2/creds?id=1" && request.method == "GET")
            #expect(request.headers.first?.value == "Bearer X")
            _ = try await container(
                [Self.full: "http://127.0.0.1:80/x", Self.token + "_FILE": "/t"], transport,
                file: "FROM FILE\n"
            ).credentials()
            #expect(transport.requests.last?.headers.first?.value == "FROM FILE")
            #expect(try await container([:], transport).credentials() == nil)
        }

        @Test(
            "Hosts that may be asked without encryption",
            arguments: [
                ("http://169.254.170.2/x", true), ("http://169.254.170.23/x", true),
                ("http://[fd00:ec2::23]/x", true), ("http://127.1.2.3/x", true),
                ("http://localhost:1/x", true), ("http://[::1]/x", true),
                ("https://example.com/x", true), ("http://example.com/x", false),
                ("http://127.0.0.1.example.com/x", false), ("http://10.0.0.1/x", false),
                ("http://localhost@example.com/x", false), ("ftp://localhost/x", false),
                ("localhost/x", false),
            ])
        func hosts(url: String, isAsked: Bool) async throws {
            let transport = FakeTransport([FakeTransport.answer(Self.json)])
            let source = container([Self.full: url], transport)
            let found = try? await source.credentials()
            #expect((found != nil) == isAsked)
            #expect(transport.requests.count == (isAsked ? 1 : 0))
        }

        @Test("A token with a line break inside, and a silent endpoint, are errors")
        func containerErrors() async throws {
            let transport = FakeTransport([FakeTransport.failure(.notSent)])
            for variables in [
                [Self.relative: "/x", Self.token: "a\r\nb: c"], [Self.relative: "/x"],
                [Self.relative: "x"], [Self.relative: "/x", Self.token + "_FILE": "/none"],
            ] {
                await #expect(throws: CodexError(.credentialsUnavailable, "")) {
                    _ = try await container(variables, transport).credentials()
                }
            }
            #expect(transport.requests.count == 3)
        }

        // MARK: Secrets

        @Test("Descriptions of sources, options and requests have no secret")
        func descriptions() {
            let variables = ["AWS_ACCESS_KEY_ID": "ID", "AWS_SECRET_ACCESS_KEY": "HIDDEN"]
            let transport = FakeTransport([FakeTransport.answer()])
            let headers = [(name: "authorization", value: "HIDDEN")]
            let sources: [any CredentialsProvider] = [
                EnvironmentCredentials(variables), SharedFileCredentials(environment: variables),
                ContainerCredentials(transport: transport, environment: variables),
                InstanceCredentials(transport: transport, environment: variables),
                StaticCredentials(accessKeyID: "ID", secretAccessKey: "HIDDEN"),
            ]
            var options = RemoteOptions()
            options.credentials = CredentialsChain(sources)
            let request = TransportRequest(
                method: "GET", url: "http://localhost/", headers: headers, timeout: .seconds(1),
                responseByteCountMax: 1)
            let values: [Any] = [
                options, request, TransportResponse(status: 200, headers: headers),
            ]
            for value in values {
                var text = "\(value)"
                dump(value, to: &text)
                #expect(!text.contains("HIDDEN"))
            }
        }

        // MARK: Instances

        private func instance(
            _ steps: [FakeTransport.Step], _ environment: [String: String] = [:]
        ) async throws -> (AWSCredentials?, [TransportRequest]) {
            let transport = FakeTransport(steps)
            let source = InstanceCredentials(
                CredentialsRequest(transport: transport, clock: FakeClock()), environment)
            return (try await source.credentials(), transport.requests)
        }

        @Test("An instance gives the key of its role, with a token of the session")
        func instances() async throws {
            let (found, requests) = try await instance([
                FakeTransport.answer("TOKEN"), FakeTransport.answer("my-role\n"),
                FakeTransport.answer(Self.json),
            ])
            #expect(found?.accessKeyID == "ID")
            #expect(requests.map(\.method) == ["PUT", "GET", "GET"])
            let path = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
            #expect(
                requests.map(\.url) == [
                    "http://169.254.169.254/latest/api/token", path, path + "my-role",
                ])
            #expect(requests.last?.headers.first?.value == "TOKEN")
        }

        @Test("A machine without the service, or without a role, is no source")
        func noInstance() async throws {
            #expect(try await instance([FakeTransport.failure(.notSent)]).0 == nil)
            #expect(try await instance([FakeTransport.answer(status: 404)]).0 == nil)
            let roleless = [FakeTransport.answer("T"), FakeTransport.answer(status: 404)]
            #expect(try await instance(roleless).0 == nil)
            let disabled = try await instance(
                [FakeTransport.answer("T")], ["AWS_EC2_METADATA_DISABLED": "TRUE"])
            #expect(disabled.0 == nil && disabled.1.isEmpty)
            for answer in ["not ascii é", "", "a b"] {
                await #expect(throws: CodexError(.credentialsUnavailable, "")) {
                    _ = try await instance([FakeTransport.answer(answer)])
                }
            }
        }

        // MARK: The cache

        /// A source of temporary keys, which counts how often it is asked.
        private final class Source: CredentialsProvider {
            private let count = Mutex(0)
            private let clock: FakeClock
            let fails = Mutex(false)

            init(_ clock: FakeClock) { self.clock = clock }

            var callCount: Int { count.withLock { $0 } }

            func credentials() async throws -> AWSCredentials? {
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                await Task.yield()
                if fails.withLock({ $0 }) { throw CodexError(.unavailable, "") }
                return AWSCredentials(
                    accessKeyID: "\(number)", secretAccessKey: "S",
                    expiration: clock.now.addingTimeInterval(3600))
            }
        }

        /// The key that a cache gives now.
        private static func key(_ cache: CachedCredentials) async throws -> String {
            try await cache.current(within: .seconds(60)).accessKeyID
        }

        @Test("All callers share one request for new credentials")
        func sharing() async throws {
            let clock = FakeClock()
            let source = Source(clock)
            let cache = CachedCredentials(source, clock)
            let found = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 { group.addTask { try await Self.key(cache) } }
                return try await group.reduce(into: Set<String>()) { $0.formUnion([$1]) }
            }
            #expect(found == ["1"] && source.callCount == 1)
        }

        @Test("New ones are asked for before the old ones expire, and old ones serve meanwhile")
        func refresh() async throws {
            let clock = FakeClock()
            let source = Source(clock)
            let cache = CachedCredentials(source, clock)
            #expect(try await Self.key(cache) == "1")
            clock.pass(.seconds(2999))
            #expect(try await Self.key(cache) == "1" && source.callCount == 1)
            clock.pass(.seconds(2))
            #expect(try await Self.key(cache) == "1")
            while try await Self.key(cache) == "1" { await Task.yield() }
            #expect(source.callCount == 2)
            // In the last minute, callers wait for new ones.
            clock.pass(.seconds(3545))
            #expect(try await Self.key(cache) == "3")
        }

        /// A cache with the first credentials of a source, which fails from now on.
        private static func cache(
            of source: Source, _ clock: FakeClock
        ) async throws -> CachedCredentials {
            let cache = CachedCredentials(source, clock)
            _ = try await key(cache)
            source.fails.withLock { $0 = true }
            return cache
        }

        @Test("A source that fails leaves the old ones in use until they expire")
        func failingSource() async throws {
            let clock = FakeClock()
            let cache = try await Self.cache(of: Source(clock), clock)
            clock.pass(.seconds(3550))
            #expect(try await Self.key(cache) == "1")
            clock.pass(.seconds(50))
            await #expect(throws: CodexError(.unavailable, "")) { _ = try await Self.key(cache) }
        }

        @Test("In the last minute, a source that fails is asked again after a pause")
        func failingLastMinute() async throws {
            let clock = FakeClock()
            let source = Source(clock)
            let cache = try await Self.cache(of: source, clock)
            clock.pass(.seconds(3541))
            for (seconds, count) in [(0, 2), (0, 2), (29, 2), (1, 3), (0, 3), (28, 3)] {
                clock.pass(.seconds(seconds))
                #expect(try await Self.key(cache) == "1")
                #expect(source.callCount == count)
            }
        }

        /// A source whose calls a test answers one by one, also those that were given up.
        private final class SteeredSource: CredentialsProvider {
            private typealias Call = CheckedContinuation<AWSCredentials?, Never>

            private let calls = Mutex<[Call]>([])

            var callCount: Int { calls.withLock { $0.count } }

            func answer(_ place: Int, _ id: String) {
                let call = calls.withLock { $0[place] }
                call.resume(returning: AWSCredentials(accessKeyID: id, secretAccessKey: "S"))
            }

            func credentials() async throws -> AWSCredentials? {
                await withCheckedContinuation { call in calls.withLock { $0.append(call) } }
            }
        }

        @Test(
            "A request that was given up gives what is missing, and replaces nothing newer",
            arguments: [[0, 1], [1, 0]])
        func lateAnswers(order: [Int]) async throws {
            let clock = FakeClock()
            let source = SteeredSource()
            let cache = CachedCredentials(source, clock)
            let first = Task { try await Self.key(cache) }
            while source.callCount < 1 { await Task.yield() }
            clock.pass(CachedCredentials.flightDuration)
            let second = Task { try await Self.key(cache) }
            while source.callCount < 2 { await Task.yield() }
            source.answer(order[0], "\(order[0])")
            #expect(try await first.value == "\(order[0])")
            #expect(try await second.value == "\(order[0])")
            source.answer(order[1], "\(order[1])")
            while await cache.answerCount < 2 { await Task.yield() }
            #expect(try await Self.key(cache) == "1")
        }

        @Test("A source that ends with a cancellation has an error, and cancels no request")
        func cancelledSource() async throws {
            struct Cancelled: CredentialsProvider {
                func credentials() async throws -> AWSCredentials? { throw CancellationError() }
            }
            let scene = try Scene([FakeTransport.answer()]) { $0.credentials = Cancelled() }
            let error = await Scene.error { _ = try await scene.table.get(Scene.key) }
            #expect(error?.code == .credentialsUnavailable)
            #expect(error?.cause is CancellationError)
            #expect(scene.transport.requests.isEmpty)
        }

        // MARK: Waiting

        /// A source that answers the calls when a test says so, and never ends by itself.
        private final class SilentSource: CredentialsProvider {
            private let gates = Mutex<[Gate]>([])

            var callCount: Int { gates.withLock { $0.count } }

            /// Lets the calls up to now have an answer.
            func answer() { for gate in gates.withLock({ $0 }) { gate.open() } }

            func credentials() async throws -> AWSCredentials? {
                let gate = Gate()
                let number = gates.withLock { gates in
                    gates.append(gate)
                    return gates.count
                }
                await gate.wait()
                return AWSCredentials(accessKeyID: "\(number)", secretAccessKey: "S")
            }
        }

        /// A clock whose sleeps end when a test says so.
        private final class AlarmClock: RemoteClock {
            private let gate = Gate()

            var now: Date { Date(timeIntervalSince1970: 0) }
            var elapsed: Duration { .zero }

            func ring() { gate.open() }

            func sleep(for duration: Duration) async throws {
                await gate.wait()
                try Task.checkCancellation()
            }
        }

        @Test("Only the caller that is cancelled ends; the others get what the source gives")
        func cancelledCaller() async throws {
            let source = SilentSource()
            let cache = CachedCredentials(source, FakeClock())
            let tasks = (0..<3).map { _ in Task { try await Self.key(cache) } }
            while await cache.waiterCount < 3 || source.callCount < 1 { await Task.yield() }
            tasks[0].cancel()
            let cancelled = await tasks[0].result
            #expect(throws: CancellationError.self) { try cancelled.get() }
            source.answer()
            #expect(try await tasks[1].value == "1")
            #expect(try await tasks[2].value == "1")
            #expect(source.callCount == 1)
        }

        @Test("A request that is cancelled while the source is silent sends nothing")
        func cancelledRequest() async throws {
            let source = SilentSource()
            let scene = try Scene([FakeTransport.answer()]) { $0.credentials = source }
            let task = Task { await Scene.error { _ = try await scene.table.put(Scene.item) } }
            while source.callCount < 1 { await Task.yield() }
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            #expect(scene.transport.requests.isEmpty)
            source.answer()
        }

        @Test("A caller ends with its time, and a source that stays silent is asked again")
        func silentSource() async throws {
            let (clock, alarm) = (FakeClock(), AlarmClock())
            let source = SilentSource()
            let cache = CachedCredentials(source, clock, timer: alarm)
            let late = Task { try await Self.key(cache) }
            while await cache.waiterCount < 1 || source.callCount < 1 { await Task.yield() }
            alarm.ring()
            let result = await late.result
            #expect(throws: CodexError(.timedOut, "")) { try result.get() }
            // The first call is at work for less than a minute, and then for a minute.
            for (seconds, count) in [(59, 1), (1, 2)] {
                clock.pass(.seconds(seconds))
                _ = try? await Self.key(cache)
                while source.callCount < count { await Task.yield() }
                #expect(source.callCount == count)
            }
            source.answer()
        }

        @Test("In the last minute, a silent source costs a short wait, and the old key serves")
        func lastMinute() async throws {
            let (clock, alarm) = (FakeClock(), AlarmClock())
            let source = SilentSource()
            let old = AWSCredentials(
                accessKeyID: "old", secretAccessKey: "S",
                expiration: clock.now.addingTimeInterval(50))
            let provider = SourceList([StaticCredentials(old), source])
            let cache = CachedCredentials(provider, clock, timer: alarm)
            #expect(try await Self.key(cache) == "old")
            clock.pass(CachedCredentials.pause)
            alarm.ring()
            #expect(try await Self.key(cache) == "old")
            while source.callCount < 1 { await Task.yield() }
            source.answer()
        }

        /// Sources of which each one gives one answer; the last one gives all others.
        private final class SourceList: CredentialsProvider {
            private let sources: Mutex<[any CredentialsProvider]>

            init(_ sources: [any CredentialsProvider]) { self.sources = Mutex(sources) }

            func credentials() async throws -> AWSCredentials? {
                let source = sources.withLock { sources in
                    sources.count > 1 ? sources.removeFirst() : sources[0]
                }
                return try await source.credentials()
            }
        }

        @Test(
            "A key or token that no header can have is refused, and nothing is sent",
            arguments: [
                ("KEY", "T", true), ("KEY", nil, true), ("KEY\n", nil, false), ("", nil, false),
                ("KEY", "T\r\nx: y", false), ("KEY", "T\u{0}", false),
            ] as [(String, String?, Bool)])
        func headers(id: String, token: String?, isSent: Bool) async throws {
            let credentials = AWSCredentials(
                accessKeyID: id, secretAccessKey: "S", sessionToken: token)
            let scene = try Scene([FakeTransport.answer()]) {
                $0.credentials = StaticCredentials(credentials)
            }
            let error = await Scene.error { _ = try await scene.table.put(Scene.item) }
            #expect(error?.code == (isSent ? nil : .credentialsUnavailable))
            #expect(scene.transport.requests.count == (isSent ? 1 : 0))
        }

        @Test(
            "The token of a web identity is refused, unless a key or a profile comes before it",
            arguments: [
                ([:], nil), (["AWS_PROFILE": "p"], "PROFILE"),
                (["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "S"], "ENV"),
                (["AWS_WEB_IDENTITY_TOKEN_FILE": ""], "DEFAULT"),
            ] as [([String: String], String?)])
        func webIdentities(variables: [String: String], id: String?) async throws {
            let file = ["p": "PROFILE", "default": "DEFAULT"].map { name, id in
                "[\(name)]\naws_access_key_id = \(id)\naws_secret_access_key = S\n"
            }.joined()
            var parts = RemoteClient.Parts()
            parts.environment = ["HOME": "/h", "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token"]
                .merging(variables) { $1 }
            parts.read = { $0 == "/h/.aws/credentials" ? Array(file.utf8) : nil }
            let transport = FakeTransport([FakeTransport.answer()])
            var options = RemoteOptions()
            options.region = "us-east-1"
            options.transport = transport
            let client = try RemoteClient(options, parts)
            let table = RemoteTable(Scene.definition, client)
            let error = await Scene.error { _ = try await table.get(Scene.key) }
            #expect(error?.code == (id == nil ? .credentialsUnavailable : nil))
            guard let id else {
                #expect(error?.message.contains("AWS_WEB_IDENTITY_TOKEN_FILE") == true)
                #expect(transport.requests.isEmpty)
                return
            }
            let header = transport.requests.first?.headers.first { $0.name == "authorization" }
            #expect(header?.value.contains("Credential=\(id)/") == true)
        }

        @Test("A chain takes the first source that is set up, and stops at an error")
        func chains() async throws {
            let none = EnvironmentCredentials([:])
            let first = StaticCredentials(accessKeyID: "1", secretAccessKey: "S")
            let second = StaticCredentials(accessKeyID: "2", secretAccessKey: "S")
            let broken = EnvironmentCredentials(["AWS_ACCESS_KEY_ID": "ID"])
            #expect(try await CredentialsChain([]).credentials() == nil)
            #expect(
                try await CredentialsChain([none, first, second]).credentials()?.accessKeyID == "1")
            await #expect(throws: CodexError(.credentialsUnavailable, "")) {
                _ = try await CredentialsChain([none, broken, second]).credentials()
            }
        }
    }
#endif
