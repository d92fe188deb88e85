#if Remote
    import CodexCore
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// Registrations of one consumer by several processes.
    @Suite("Registrations of stream consumers")
    struct StreamRegistrationTests {
        /// A network on which something happens before the first listing of the shards.
        private final class InterruptedTransport: HTTPTransport {
            typealias Event = @Sendable () async throws -> Void

            private let inner: MortalTransport
            private let event: Mutex<Event?>

            init(_ inner: MortalTransport, event: @escaping Event) {
                self.inner = inner
                self.event = Mutex(event)
            }

            func send(_ request: TransportRequest) async throws -> TransportResponse {
                let target = request.headers.first { $0.name == "x-amz-target" }?.value
                if target?.hasSuffix(".DescribeStream") == true {
                    let first = event.withLock { event in
                        defer { event = nil }
                        return event
                    }
                    try await first?()
                }
                return try await inner.send(request)
            }

            func close() async {}
        }

        @Test("A slow call marks no shard that came after a faster one was done")
        func slowCall() async throws {
            let scene = try StreamScene(shardCount: 1, itemCount: 2, emptyPercent: 0)
            // A first process ends with its registration: the shards have no rows.
            let mortal = scene.transport()
            mortal.kill(after: 3, arrives: false)
            let ended = await Scene.error { try await scene.consumer(mortal).register() }
            #expect(ended != nil)
            let fast = try scene.consumer(scene.transport())
            let model = scene.model
            let slow = try scene.consumer(
                InterruptedTransport(scene.transport()) {
                    try await fast.register()
                    model.split()
                })
            try await slow.register()
            let leases = try LeaseTable(
                RemoteTable(StreamScene.effects, fast.stream.table.client), consumer: "c")
            let shardIDs = model.shardIDs
            #expect(shardIDs.count == 3)
            #expect(try await leases.row(shardIDs[0])?.isInitial == true)
            for shardID in shardIDs.dropFirst() {
                let row = try await leases.row(shardID)
                #expect(row == nil, "\(shardID)")
            }
        }
    }
#endif
