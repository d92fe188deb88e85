#if Remote
    import CodexCore
    import Foundation
    import Synchronization

    @testable import CodexRemote

    /// Nodes that list each other, before one service.
    final class FakeCluster: HTTPTransport {
        struct Node: Sendable {
            let address: String
            var dataCenter = "dc1"
            var rack = "rack1"

            init(_ address: String, dataCenter: String = "dc1", rack: String = "rack1") {
                (self.address, self.dataCenter, self.rack) = (address, dataCenter, rack)
            }
        }

        private struct State {
            var nodes: [Node]
            var failures: [String: TransportFailure.Kind] = [:]
            var lookups: [String] = []
            var hosts: [String] = []
        }

        private let state: Mutex<State>
        private let answer: FakeTransport.Step
        /// The requests for the nodes, as they come.
        let events: AsyncStream<String>
        private let feed: AsyncStream<String>.Continuation

        init(_ nodes: [Node], _ answer: @escaping FakeTransport.Step = FakeTransport.answer()) {
            state = Mutex(State(nodes: nodes))
            self.answer = answer
            (events, feed) = AsyncStream<String>.makeStream()
        }

        /// The addresses that were asked for nodes, or whether they live.
        var lookups: [String] { state.withLock { $0.lookups } }
        /// The hosts to which operations were sent, in their order.
        var hosts: [String] { state.withLock { $0.hosts } }

        /// Sets how requests to a node fail; `nil` lets them succeed.
        func fail(_ address: String, _ kind: TransportFailure.Kind?) {
            state.withLock { $0.failures[address] = kind }
        }

        /// Sets the nodes that are listed.
        func list(_ nodes: [Node]) { state.withLock { $0.nodes = nodes } }

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let url = URLComponents(string: request.url)
            let host = url?.host ?? ""
            let isLookup = request.method == "GET"
            let failure = state.withLock { state -> TransportFailure.Kind? in
                if isLookup {
                    state.lookups.append(request.url)
                } else {
                    state.hosts.append(host)
                }
                return state.failures[host]
            }
            if isLookup { feed.yield(request.url) }
            if let failure { throw TransportFailure(failure) }
            guard isLookup else { return try await answer(request) }
            let isList = url?.path == "/localnodes"
            let text = isList ? nodes(host, url?.queryItems ?? []) : "healthy: \(host)"
            return TransportResponse(status: 200, body: Array(text.utf8))
        }

        func close() async {}

        private func nodes(_ host: String, _ query: [URLQueryItem]) -> String {
            let all = state.withLock { $0.nodes }
            let own = all.first { $0.address == host }?.dataCenter ?? "dc1"
            let dataCenter = query.first { $0.name == "dc" }?.value ?? own
            let rack = query.first { $0.name == "rack" }?.value
            let found = all.filter {
                $0.dataCenter == dataCenter && (rack == nil || $0.rack == rack)
            }
            return "[\(found.map { "\"\($0.address)\"" }.joined(separator: ","))]"
        }
    }

    /// A client of a fake cluster.
    struct ClusterScene {
        let cluster: FakeCluster
        let clock = FakeClock()
        let client: RemoteClient
        let table: RemoteTable

        /// The nodes 10.0.0.1 and so on.
        static func addresses(_ count: Int) -> [String] { (1...count).map { "10.0.0.\($0)" } }

        /// The addresses of hosts, as a client names them.
        static func urls(_ hosts: [String]) -> [String] { hosts.map { "http://\($0):8000/" } }

        /// Creates a client, whose seeds are all nodes that are listed.
        init(
            _ cluster: FakeCluster, seeds: [String],
            _ change: (inout NodeBalancing) -> Void = { _ in }
        ) throws {
            self.cluster = cluster
            var balancing = NodeBalancing(seeds: seeds.map { "http://\($0):8000" })
            change(&balancing)
            var options = RemoteOptions(alternator: balancing)
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = cluster
            var parts = RemoteClient.Parts()
            parts.clock = clock
            parts.random = { 1 }
            parts.environment = [:]
            parts.read = { _ in nil }
            client = try RemoteClient(options, parts)
            table = RemoteTable(Scene.definition, client)
        }

        init(nodeCount: Int, _ change: (inout NodeBalancing) -> Void = { _ in }) throws {
            let addresses = Self.addresses(nodeCount)
            try self.init(
                FakeCluster(addresses.map { FakeCluster.Node($0) }), seeds: addresses, change)
        }

        /// The host to which the last operation of a call was sent.
        func host(of call: () async throws -> Void) async throws -> String? {
            try await call()
            return cluster.hosts.last
        }
    }
#endif
