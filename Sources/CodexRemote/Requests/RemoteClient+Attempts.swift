#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// A request of DynamoDB's API.
    struct RemoteRequest: Sendable {
        /// The operation, such as `GetItem`.
        let operation: String
        /// The JSON.
        let body: [UInt8]
        let repetition: Repetition
        /// The number of actions of a list.
        var actionCount = 0
        /// Whether the operation is one of DynamoDB Streams.
        var isOfStreams = false
        /// The hash of the key whose requests go to one node; `nil` is the next node in turn.
        var affinity: UInt64?
    }

    /// What the attempts of a request have shown.
    private struct AttemptLog {
        var report: RequestReport
        /// Whether an attempt may have been applied of which no answer tells.
        var mayHaveApplied = false
        /// Whether the credentials were replaced for the request.
        var hasNewCredentials = false
        /// What the last repetition took of the budget.
        var price = 0
    }

    extension RemoteClient {
        /// Sends a request, and repeats it where the policy allows and nothing is applied twice.
        ///
        /// - Returns: The JSON of the answer.
        /// - Throws: ``CodexError``, with a ``RemoteFailure`` as its cause if there was an answer
        ///   or an attempt.
        func send(_ request: RemoteRequest) async throws -> JSONNode {
            let start = parts.clock.elapsed
            var log = AttemptLog(
                report: RequestReport(
                    operation: request.operation, requestByteCount: request.body.count))
            let result: Result<JSONNode, CodexError>
            do {
                try await limit.acquire(within: options.retries.deadline, parts.clock)
                defer { limit.release() }
                result = .success(try await attempts(request, since: start, &log))
            } catch {
                result = .failure(finished(error, request, log))
            }
            if let observer = options.observer {
                log.report.duration = parts.clock.elapsed - start
                if case .failure(let error) = result { log.report.code = error.code.description }
                observer(log.report)
            }
            return try result.get()
        }

        private func attempts(
            _ request: RemoteRequest, since start: Duration, _ log: inout AttemptLog
        ) async throws -> JSONNode {
            let policy = options.retries
            while true {
                try Task.checkCancellation()
                // A source of credentials may take long. The last attempt of a list must be sent
                // while the service knows its token.
                let key = try await credentials.current()
                let left = policy.deadline - (parts.clock.elapsed - start)
                guard left > .zero else {
                    throw CodexError(
                        .timedOut, "The time of the request was over before an attempt. Try again.")
                }
                log.report.attemptCount += 1
                var failure: RemoteFailure
                do {
                    let node = try await attempt(
                        request, with: key, within: min(policy.attemptTimeout, left), &log)
                    budget.give(log.price == 0 ? 1 : log.price)
                    return node
                } catch let error as RemoteFailure {
                    failure = error
                }
                failure.attemptCount = log.report.attemptCount
                log.report.failures.append(failure.kind)
                if failure.mayHaveApplied { log.mayHaveApplied = true }
                try await pause(after: failure, request, since: start, &log)
            }
        }

        /// Waits before a repetition.
        ///
        /// - Throws: The failure, if the request must not be repeated.
        private func pause(
            after failure: RemoteFailure, _ request: RemoteRequest, since start: Duration,
            _ log: inout AttemptLog
        ) async throws {
            let policy = options.retries
            let isAllowed =
                !log.mayHaveApplied
                || request.repetition.allowsRepetition(ofOverwrites: options.repeatsOverwrites)
            guard failure.isPassing, isAllowed, log.report.attemptCount < policy.attemptCountMax
            else { throw failure }
            if failure.kind == .staleCredentials {
                guard !log.hasNewCredentials else { throw failure }
                log.hasNewCredentials = true
            }
            // What was corrected is sent again at once.
            let isCorrected = failure.kind == .skewedClock || failure.kind == .staleCredentials
            let pause: Duration =
                isCorrected
                ? .zero
                : policy.pause(after: log.report.attemptCount, random: parts.random())
            guard parts.clock.elapsed - start + pause < policy.deadline, budget.take(failure.price)
            else { throw failure }
            log.price = failure.price
            if pause > .zero { try await parts.clock.sleep(for: pause) }
        }

        /// Sends a request once: to the endpoint, or to one node after the other until one is
        /// reached.
        private func attempt(
            _ request: RemoteRequest, with key: AWSCredentials, within time: Duration,
            _ log: inout AttemptLog
        ) async throws -> JSONNode {
            guard let nodes else {
                let endpoint = request.isOfStreams ? place.streamsEndpoint : place.endpoint
                return try await exchange(
                    request, with: key, at: endpoint, within: time, &log)
            }
            let start = parts.clock.elapsed
            try await nodes.prepare(within: time)
            var tried: Set<ServiceEndpoint> = []
            var last: RemoteFailure?
            while true {
                let left = time - (parts.clock.elapsed - start)
                guard left > .zero,
                    let node = try nodes.next(for: request.affinity, without: tried)
                else {
                    throw RemoteFailure(
                        .unreachable, cause: UnreachedNodes(count: tried.count, cause: last?.cause))
                }
                do {
                    let answer = try await exchange(
                        request, with: key, at: node, within: left, &log)
                    nodes.note(.answered, of: node)
                    return answer
                } catch let failure as RemoteFailure {
                    nodes.note(failure, of: node)
                    // Nothing was sent, so another node may get the request.
                    guard failure.kind == .unreachable else { throw failure }
                    tried.insert(node)
                    last = failure
                }
            }
        }

        private func exchange(
            _ request: RemoteRequest, with key: AWSCredentials, at endpoint: ServiceEndpoint,
            within time: Duration, _ log: inout AttemptLog
        ) async throws -> JSONNode {
            let instant = serviceClock.now
            let interface =
                request.isOfStreams ? "DynamoDBStreams_20120810" : "DynamoDB_20120810"
            var headers: [(name: String, value: String)] = [
                (name: "content-type", value: "application/x-amz-json-1.0"),
                (name: "host", value: endpoint.hostHeader),
                (name: "x-amz-target", value: "\(interface).\(request.operation)"),
            ]
            headers = signer.signed(headers, body: request.body, with: key, at: instant)
            if options.acceptsGzip { headers.append((name: "accept-encoding", value: "gzip")) }
            let response: TransportResponse
            do {
                response = try await transport.send(
                    TransportRequest(
                        method: "POST", url: endpoint.url, headers: headers,
                        body: request.body, timeout: time,
                        responseByteCountMax: options.responseByteCountMax))
            } catch {
                throw Self.failure(of: error, &log)
            }
            log.report.responseByteCount = response.body.count
            do throws(RemoteFailure) {
                return try reader.result(of: response) {
                    serviceClock.correct(by: $0, signed: instant)
                }
            } catch {
                if error.kind == .staleCredentials { await credentials.forget(key) }
                throw error
            }
        }

        /// The failure of a transport; a cancellation stays one.
        private static func failure(
            of error: any Error, _ log: inout AttemptLog
        ) -> any Error {
            if error is CancellationError || Task.isCancelled {
                log.mayHaveApplied = true
                return CancellationError()
            }
            let failure = error as? TransportFailure ?? TransportFailure(.interrupted, cause: error)
            let kind: RemoteFailure.Kind =
                switch failure.kind {
                case .notSent: .unreachable
                case .timedOut: .timedOut
                case .responseTooLarge: .answerTooLarge
                case .interrupted: .interrupted
                }
            return RemoteFailure(kind, cause: failure.cause)
        }

        /// The refusals that tell what became of a list of actions, also of its earlier attempts.
        private static let answersOfTokens: Set<String> = [
            "IdempotentParameterMismatchException", "TransactionCanceledException",
        ]

        /// The error that a request ends with.
        private func finished(
            _ error: any Error, _ request: RemoteRequest, _ log: AttemptLog
        ) -> CodexError {
            let isUnknown = log.mayHaveApplied && request.repetition != .read
            guard let failure = error as? RemoteFailure else {
                if isUnknown { return .unknown(request, cause: error) }
                if error is CancellationError {
                    return CodexError(
                        .cancelled, "The task was cancelled. Nothing was written.", cause: error)
                }
                return error as? CodexError
                    ?? CodexError(
                        .unavailable, "The request was not sent. Look at the cause.", cause: error)
            }
            // A service that has looked for the token answers for all attempts. Other refusals,
            // such as one of the credentials, come before that.
            let isAnswer =
                request.repetition == .token
                && Self.answersOfTokens.contains(failure.type ?? "")
                && failure.kind == .refused
            if isUnknown, !isAnswer { return .unknown(request, cause: failure) }
            return CodexError(failure, request)
        }
    }
#endif
