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
        /// The status of the answer; `nil` if the operation did not wait for it.
        var status: Int?
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
            state.withLock { state in
                // The requests of an operation that did not wait for all answers were taken.
                guard state.requests.indices.contains(place) else { return }
                state.answered.insert(place)
                state.requests[place].status = response.status
            }
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
