#if Remote
    internal import CodexCore
    internal import Synchronization

    /// The nodes of a service: it keeps their list up to date, and chooses one for each request.
    ///
    /// The first request waits for the list. Later ones use the list that there is, and begin a
    /// refresh if it is time.
    final class ServiceNodes: Sendable {
        private struct State {
            var table = NodeTable()
            /// The time at which the nodes were asked for; `nil` before the first list.
            var askedAt: Duration?
            /// Whether a refresh is at work beside the requests.
            var isRefreshing = false
        }

        /// What a request does before it chooses a node.
        private enum Step { case proceed, wait, refresh }

        let balancing: NodeBalancing
        private let seeds: [ServiceEndpoint]
        private let discovery: NodeDiscovery
        private let clock: any RemoteClock
        private let state = Mutex(State())

        /// The time for a list from all nodes that may be asked.
        static let refreshTime: Duration = .seconds(10)
        /// The most nodes that are asked before the seeds.
        private static let askedCountMax = 3
        /// The most nodes that are tried again at once.
        private static let probeCountMax = 16

        /// Knows the seeds, and sends nothing.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` for a seed that is no address.
        init(
            _ balancing: NodeBalancing, _ transport: any HTTPTransport, _ clock: any RemoteClock
        ) throws(CodexError) {
            self.balancing = balancing
            seeds = try balancing.seeds.map { text throws(CodexError) in
                try ServiceEndpoint(parsing: text)
            }
            discovery = NodeDiscovery(balancing: balancing, transport: transport)
            self.clock = clock
        }

        /// The addresses of the nodes; none before the first list.
        var addresses: [String] { state.withLock { $0.table.endpoints.map(\.url) } }

        // MARK: Requests

        /// Gets a list if there is none, or if no node of it answers, and begins a refresh if it is
        /// time.
        ///
        /// - Parameter time: The time that there is for a list.
        /// - Throws: As ``refresh(within:)``.
        func prepare(within time: Duration) async throws {
            let now = clock.elapsed
            let interval = balancing.refreshInterval
            let step = state.withLock { state -> Step in
                guard let askedAt = state.askedAt else { return .wait }
                guard state.table.hasLiveNode else {
                    // Not for each of many requests.
                    return now - askedAt >= NodeBalancing.refreshIntervalMin ? .wait : .proceed
                }
                guard now - askedAt >= interval, !state.isRefreshing else { return .proceed }
                state.isRefreshing = true
                return .refresh
            }
            switch step {
            case .proceed: return
            case .wait: try await refresh(within: time)
            case .refresh:
                Task {
                    await refreshAndProbe()
                    state.withLock { $0.isRefreshing = false }
                }
            }
        }

        /// The node for a request.
        ///
        /// - Parameters:
        ///   - key: The hash of the key whose requests go to one node; `nil` is the next in turn.
        ///   - tried: The nodes that the request has not reached.
        /// - Returns: The node; `nil` if none is left.
        /// - Throws: ``CodexError/Code/unavailable`` if the service has listed no node.
        func next(
            for key: UInt64?, without tried: Set<ServiceEndpoint>
        ) throws(CodexError) -> ServiceEndpoint? {
            let node = state.withLock { $0.table.next(for: key, without: tried) }
            if node == nil, tried.isEmpty { throw noNode }
            return node
        }

        /// Notes what came of a request.
        func note(_ outcome: NodeTable.Outcome, of endpoint: ServiceEndpoint) {
            let now = clock.elapsed
            state.withLock { $0.table.note(outcome, of: endpoint, at: now) }
        }

        /// Notes a failed request; a node that answers with an error is not down.
        func note(_ failure: RemoteFailure, of endpoint: ServiceEndpoint) {
            switch failure.kind {
            case .unreachable: note(.unreached, of: endpoint)
            // The node answered, and the client had no room for the answer.
            case .timedOut where failure.cause is CodexError: note(.answered, of: endpoint)
            case .timedOut, .interrupted: note(.unanswered, of: endpoint)
            default: note(.answered, of: endpoint)
            }
        }

        /// Refuses an empty list.
        ///
        /// - Throws: ``CodexError/Code/unavailable``.
        func requireNode() throws(CodexError) { if addresses.isEmpty { throw noNode } }

        private var noNode: CodexError {
            let place = balancing.dataCenter.map { "Data center \($0.abbreviated())" }
            return CodexError(
                .unavailable,
                "\(place ?? "The service") lists no node that works. Look at the nodes, and at "
                    + "NodeBalancing.dataCenter.")
        }

        // MARK: The list

        /// Asks for the nodes: some that are known, and then the seeds, until one answers.
        ///
        /// - Parameter time: The time that there is for it.
        /// - Throws: ``RemoteFailure`` if none answers; ``CodexError/Code/invalidResponse`` if an
        ///   answer is no list of nodes; `CancellationError`.
        func refresh(within time: Duration = ServiceNodes.refreshTime) async throws {
            let start = clock.elapsed
            state.withLock { state in
                if state.askedAt != nil { state.askedAt = start }
            }
            var count = 0
            var refusal: CodexError?
            var cause: (any Error)?
            for endpoint in candidates {
                let left = time - (clock.elapsed - start)
                guard left > .zero else { break }
                count += 1
                do {
                    let found = try await discovery.nodes(from: endpoint, within: left)
                    return take(found, from: endpoint, at: start)
                } catch let error as CodexError {
                    refusal = error
                } catch {
                    if Task.isCancelled { throw CancellationError() }
                    let isUnreached = (error as? TransportFailure)?.kind == .notSent
                    note(isUnreached ? .unreached : .unanswered, of: endpoint)
                    cause = error
                }
            }
            if let refusal { throw refusal }
            throw RemoteFailure(.unreachable, cause: UnreachedNodes(count: count, cause: cause))
        }

        /// Asks for the nodes, and tries those again that are down.
        func refreshAndProbe() async {
            // The present list stays if no node answers.
            try? await refresh()
            let now = clock.elapsed
            let down = state.withLock { $0.table.nodesToProbe(Self.probeCountMax, at: now) }
            await withTaskGroup(of: Void.self) { group in
                for endpoint in down {
                    group.addTask { [self] in
                        if await discovery.isLive(endpoint) { note(.answered, of: endpoint) }
                    }
                }
            }
        }

        /// The nodes that are asked, in their order.
        private var candidates: [ServiceEndpoint] {
            let known = state.withLock { state -> [ServiceEndpoint] in
                var found: [ServiceEndpoint] = []
                while found.count < Self.askedCountMax,
                    let node = state.table.next(without: Set(found))
                {
                    found.append(node)
                }
                return found
            }
            return known + seeds.filter { !known.contains($0) }
        }

        private func take(
            _ found: NodeTable.List, from endpoint: ServiceEndpoint, at time: Duration
        ) {
            state.withLock { state in
                state.table.replace(with: found)
                state.table.note(.answered, of: endpoint, at: time)
                state.askedAt = time
            }
        }
    }
#endif
