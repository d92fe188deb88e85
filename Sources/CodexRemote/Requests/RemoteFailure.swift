#if Remote
    internal import CodexCore

    /// What a service, or the way to it, gave instead of a result: the cause of a client's errors.
    ///
    /// Its description has no text of the service, which may have users' data.
    public struct RemoteFailure: Error, Sendable {
        /// The kinds of failures.
        public enum Kind: String, Sendable, Hashable {
            /// There was no connection, and nothing was sent.
            case unreachable
            /// The answer did not come in time.
            case timedOut
            /// The connection broke before the whole answer came.
            case interrupted
            /// The answer's checksum, compression or JSON is wrong.
            case damagedAnswer
            /// The answer is larger than the client allows.
            case answerTooLarge
            /// The answer is a refusal without the name of an error: that of a proxy, for example.
            case foreignAnswer
            /// The service failed.
            case unavailable
            /// The service takes no more requests at this moment.
            case throttled
            /// Another request is changing the same items.
            case conflict
            /// The service took the date of the signature for a wrong one.
            case skewedClock
            /// The credentials have expired, or the service does not know their key.
            case staleCredentials
            /// The service refused the request.
            case refused
        }

        /// The kind of failure.
        public let kind: Kind
        /// The name of the service's error, such as `ValidationException`; `nil` if there is none.
        public let type: String?
        /// The service's text, which may have users' data.
        public let serviceMessage: String?
        /// The status of the answer; `nil` without an answer.
        public let status: Int?
        /// The identifier with which the service knows the request.
        public let requestID: String?
        /// The error of the transport; `nil` if there was an answer.
        public let cause: (any Error)?
        /// The number of attempts that were made.
        public package(set) var attemptCount = 1
        /// Elements of a batch that the service did not process, by their indexes in the call.
        public package(set) var unprocessed: [Int] = []

        /// The failures of the actions of a list, or none.
        let reasons: [Reason]
        /// The stored item that made a condition fail.
        let item: Item?

        /// The failure of one action.
        struct Reason: Sendable {
            let code: String
            let item: Item?
        }

        init(
            _ kind: Kind, type: String? = nil, serviceMessage: String? = nil, status: Int? = nil,
            requestID: String? = nil, cause: (any Error)? = nil, reasons: [Reason] = [],
            item: Item? = nil
        ) {
            self.kind = kind
            self.type = type
            self.serviceMessage = serviceMessage
            self.status = status
            self.requestID = requestID
            self.cause = cause
            self.reasons = reasons
            self.item = item
        }

        /// Whether the service may have done what was asked.
        var mayHaveApplied: Bool {
            switch kind {
            case .timedOut, .interrupted, .damagedAnswer, .answerTooLarge, .unavailable: true
            // What gave it may be on the way of the service's answer.
            case .foreignAnswer: true
            // Another attempt with the token is at work.
            case .conflict: type == "TransactionInProgressException"
            case .unreachable, .throttled, .skewedClock, .staleCredentials, .refused: false
            }
        }

        /// Whether another attempt can succeed.
        var isTransient: Bool {
            kind != .refused && kind != .answerTooLarge && kind != .foreignAnswer
        }

        /// What a repetition takes of the budget.
        var price: Int {
            switch kind {
            case .unreachable, .timedOut, .interrupted: RetryBudget.priceWithoutAnswer
            default: RetryBudget.price
            }
        }
    }

    extension RemoteFailure: CustomStringConvertible {
        /// The kind, the service's error and status, the identifier and the number of attempts.
        public var description: String {
            var parts = [kind.rawValue]
            if let type { parts.append(type) }
            if let status { parts.append("status \(status)") }
            if let requestID { parts.append("request \(requestID)") }
            if let cause { parts.append("\(cause)") }
            parts.append("attempts \(attemptCount)")
            return parts.joined(separator: ", ")
        }
    }
#endif
