#if Remote
    import CodexRemote
    import Synchronization

    /// A request that a client sent.
    struct NotedRequest: Sendable {
        /// The header `X-Amz-Target`.
        let target: String
        let body: [UInt8]
        /// The places of the requests that had their answers before this one was sent.
        let predecessors: Set<Int>
    }

    /// Sends the requests of one operation at a time, and notes them.
    final class NotingTransport: HTTPTransport {
        private struct State {
            var requests: [NotedRequest] = []
            var answered: Set<Int> = []
        }

        private let base = AsyncHTTPTransport()
        private let state = Mutex(State())

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let target = request.headers.first { $0.name == "x-amz-target" }?.value ?? ""
            let place = state.withLock { state in
                state.requests.append(
                    NotedRequest(
                        target: target, body: request.body, predecessors: state.answered))
                return state.requests.count - 1
            }
            let response = try await base.send(request)
            state.withLock { _ = $0.answered.insert(place) }
            return response
        }

        func close() async { await base.close() }

        /// The requests since the last call, in the order in which they were sent.
        func take() -> [NotedRequest] {
            state.withLock { state in
                let requests = state.requests
                state = State()
                return requests
            }
        }
    }
#endif
