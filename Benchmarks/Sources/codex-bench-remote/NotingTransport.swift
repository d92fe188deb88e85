#if Remote
    import CodexRemote
    import Synchronization

    /// A request that a client sent.
    struct NotedRequest: Sendable {
        /// The header `X-Amz-Target`.
        let target: String
        /// The body.
        let body: [UInt8]
        /// The places of the requests that had their answers before this one was sent.
        let predecessors: Set<Int>
        /// The status of the answer; `nil` if the operation did not wait for it.
        var status: Int?
    }

    extension [NotedRequest] {
        /// The round trips before the first transaction; `nil` if there is none.
        ///
        /// Requests that were sent before any of them was answered are one round trip.
        var roundTripCount: Int? {
            let end = firstIndex { $0.target.hasSuffix(".TransactWriteItems") }
            guard let end else { return nil }
            var depths: [Int] = []
            for request in self[..<end] {
                depths.append(1 + (request.predecessors.map { depths[$0] }.max() ?? 0))
            }
            return depths.max() ?? 0
        }
    }

    /// Sends the requests of one operation at a time, and notes them.
    final class NotingTransport: HTTPTransport {
        private struct State {
            /// The number of the operation.
            var operation = 0
            var requests: [NotedRequest] = []
            var answered: Set<Int> = []
        }

        private let base = AsyncHTTPTransport()
        private let state = Mutex(State())

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let target = request.headers.first { $0.name == "x-amz-target" }?.value ?? ""
            let noted = state.withLock { state -> (operation: Int, place: Int) in
                state.requests.append(
                    NotedRequest(
                        target: target, body: request.body, predecessors: state.answered))
                return (operation: state.operation, place: state.requests.count - 1)
            }
            let response = try await base.send(request)
            state.withLock { state in
                // The requests of an operation that did not wait for all answers were taken.
                guard state.operation == noted.operation else { return }
                state.answered.insert(noted.place)
                state.requests[noted.place].status = response.status
            }
            return response
        }

        func close() async { await base.close() }

        /// The requests since the last call, in the order in which they were sent.
        func take() -> [NotedRequest] {
            state.withLock { state in
                let requests = state.requests
                state = State(operation: state.operation + 1)
                return requests
            }
        }
    }
#endif
