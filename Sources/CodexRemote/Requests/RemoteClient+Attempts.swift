#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// What the attempts of a request have shown.
    private struct AttemptLog {
        var report: RequestReport
        /// Whether an attempt may have been applied of which no answer tells.
        var mayHaveApplied = false
        /// Whether the credentials were replaced for the request.
        var hasNewCredentials = false
        /// Whether the source may have others than those that were refused.
        var mayGetOthers = true
        /// What the last repetition took of the budget.
        var price = 0
    }

    /// One attempt of a request.
    private struct Attempt: Sendable {
        let request: RemoteRequest
        let key: AWSCredentials
        /// The date of the signature.
        let instant: Date
    }

    extension RemoteClient {
        /// Sends a request whose answer is small, and repeats it as ``send(_:reading:)`` does.
        ///
        /// - Returns: The JSON of the answer.
        /// - Throws: As ``send(_:reading:)``.
        func send(_ request: RemoteRequest) async throws -> JSONNode {
            try await send(request) { $0 }
        }

        /// Sends a request, and repeats it where the policy allows and nothing is applied twice.
        ///
        /// - Parameters:
        ///   - request: The request.
        ///   - read: Makes the result of the JSON of the answer. The JSON counts in the memory of
        ///     all answers as long as this runs.
        /// - Returns: The result.
        /// - Throws: ``CodexError``, with a ``RemoteFailure`` as its cause if there was an answer
        ///   or an attempt; the errors of `read`.
        func send<Value: Sendable>(
            _ request: RemoteRequest, reading read: @Sendable (JSONNode) throws -> Value
        ) async throws -> Value {
            let start = parts.clock.elapsed
            var log = AttemptLog(
                report: RequestReport(
                    operation: request.operation, requestByteCount: request.body.count))
            let result: Result<Result<Value, any Error>, CodexError>
            do {
                try await limit.acquire(within: options.retries.deadline, parts.clock)
                defer { limit.release() }
                result = .success(try await attempts(request, since: start, &log, read))
            } catch {
                result = .failure(finished(error, request, log))
            }
            if let observer = options.observer {
                log.report.duration = parts.clock.elapsed - start
                if case .failure(let error) = result { log.report.code = error.code.description }
                observer(log.report)
            }
            return try result.get().get()
        }

        private func attempts<Value: Sendable>(
            _ request: RemoteRequest, since start: Duration, _ log: inout AttemptLog,
            _ read: @Sendable (JSONNode) throws -> Value
        ) async throws -> Result<Value, any Error> {
            let policy = options.retries
            while true {
                try Task.checkCancellation()
                let key = try await credentials.current(
                    within: policy.deadline - (parts.clock.elapsed - start))
                let next = Attempt(request: request, key: key, instant: serviceClock.now)
                // A source of credentials may take long, and so may an interruption of the process.
                // The last attempt of a list must be sent while the service knows its token. An
                // attempt that is sent even later has an old date, and is refused.
                let left = policy.deadline - (parts.clock.elapsed - start)
                guard left > .zero else {
                    throw CodexError(
                        .timedOut, "The time of the request was over before an attempt. Try again.")
                }
                log.report.attemptCount += 1
                var failure: RemoteFailure
                do {
                    let result = try await attempt(
                        next, within: min(policy.attemptTimeout, left), &log, read)
                    budget.give(log.price == 0 ? 1 : log.price)
                    return result
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
                !log.mayHaveApplied || request.repetition.isAllowed(by: options)
            guard failure.isTransient, isAllowed,
                log.report.attemptCount < policy.attemptCountMax
            else { throw failure }
            if failure.kind == .staleCredentials {
                guard !log.hasNewCredentials, log.mayGetOthers else { throw failure }
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

        /// Waits between two requests of one call.
        ///
        /// - Throws: ``CodexError/Code/cancelled``.
        func sleep(for duration: Duration) async throws(CodexError) {
            do {
                try await parts.clock.sleep(for: duration)
            } catch {
                throw CodexError(
                    .cancelled,
                    "The task was cancelled between two requests. What the earlier ones wrote "
                        + "stays.",
                    cause: error)
            }
        }

        /// Sends a request once: to the endpoint, or to one node after the other until one is
        /// reached.
        private func attempt<Value: Sendable>(
            _ attempt: Attempt, within time: Duration, _ log: inout AttemptLog,
            _ read: @Sendable (JSONNode) throws -> Value
        ) async throws -> Result<Value, any Error> {
            guard let nodes else {
                let endpoint = attempt.request.isOfStreams ? place.streamsEndpoint : place.endpoint
                return try await exchange(attempt, with: endpoint, within: time, &log, read)
            }
            let start = parts.clock.elapsed
            try await nodes.prepare(within: time)
            var tried: Set<ServiceEndpoint> = []
            var last: RemoteFailure?
            while true {
                let left = time - (parts.clock.elapsed - start)
                guard left > .zero,
                    let node = try nodes.next(for: attempt.request.affinity, without: tried)
                else {
                    throw RemoteFailure(
                        .unreachable, cause: UnreachedNodes(count: tried.count, cause: last?.cause))
                }
                do {
                    let result = try await exchange(attempt, with: node, within: left, &log, read)
                    nodes.note(.answered, of: node)
                    return result
                } catch let failure as RemoteFailure {
                    nodes.note(failure, of: node)
                    // Nothing was sent, so another node may get the request.
                    guard failure.kind == .unreachable else { throw failure }
                    tried.insert(node)
                    last = failure
                }
            }
        }

        /// The headers of an attempt with its signature.
        private func headers(
            of attempt: Attempt, for endpoint: ServiceEndpoint
        ) -> [(name: String, value: String)] {
            let request = attempt.request
            let interface =
                request.isOfStreams ? "DynamoDBStreams_20120810" : "DynamoDB_20120810"
            var headers: [(name: String, value: String)] = [
                (name: "content-type", value: "application/x-amz-json-1.0"),
                (name: "host", value: endpoint.hostHeader),
                (name: "x-amz-target", value: "\(interface).\(request.operation)"),
            ]
            headers = signer.signed(
                headers, body: request.body, with: attempt.key, at: attempt.instant)
            if options.acceptsGzip { headers.append((name: "accept-encoding", value: "gzip")) }
            return headers
        }

        private func exchange<Value: Sendable>(
            _ attempt: Attempt, with endpoint: ServiceEndpoint, within time: Duration,
            _ log: inout AttemptLog,
            _ read: @Sendable (JSONNode) throws -> Value
        ) async throws -> Result<Value, any Error> {
            let request = attempt.request
            let room = ResponseRoom(bodies, parts.clock)
            defer { room.release() }
            var outgoing = TransportRequest(
                method: "POST", url: endpoint.url, headers: headers(of: attempt, for: endpoint),
                body: request.body, timeout: time,
                responseByteCountMax: options.responseByteCountMax)
            outgoing.room = room
            let response: TransportResponse
            do {
                response = try await transport.send(outgoing)
            } catch {
                throw Self.failure(of: error, &log)
            }
            log.report.responseByteCount = response.body.count
            if request.isOfStreams { serviceClock.note(response.header("date")) }
            let treeByteCount = reader.treeByteCountMax(of: response)
            try await waitForTree(treeByteCount, within: time, &log)
            defer { trees.release(treeByteCount) }
            do throws(RemoteFailure) {
                let node = try reader.result(of: response) {
                    serviceClock.correct(by: $0, signed: attempt.instant)
                }
                return Result { try read(node) }
            } catch {
                if error.kind == .staleCredentials {
                    log.mayGetOthers = await credentials.forget(attempt.key)
                }
                throw error
            }
        }

        /// Waits until there is room for the tree of an answer.
        private func waitForTree(
            _ byteCount: Int, within time: Duration, _ log: inout AttemptLog
        ) async throws {
            do {
                try await trees.acquire(byteCount, within: time, parts.clock)
            } catch let error as CodexError {
                throw Self.failure(of: TransportFailure(.timedOut, cause: error), &log)
            } catch {
                throw Self.failure(of: error, &log)
            }
        }

        /// The failure of a transport; a cancellation of the task stays one.
        ///
        /// A transport that is closed may cancel its requests, whose tasks go on.
        private static func failure(
            of error: any Error, _ log: inout AttemptLog
        ) -> any Error {
            if Task.isCancelled {
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
                if error is CancellationError { return .cancelled(error) }
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
