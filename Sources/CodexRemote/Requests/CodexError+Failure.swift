#if Remote
    internal import CodexCore

    extension CodexError {
        /// The error of a write that was sent, and of which no answer tells whether it was applied.
        static func unknown(_ request: RemoteRequest, cause: any Error) -> CodexError {
            CodexError(
                .outcomeUnknown,
                "\(request.operation) was sent, and no answer tells whether it was applied. Read "
                    + "the item before you write it again.",
                cause: cause, currentItem: (cause as? RemoteFailure)?.item)
        }

        /// The error of a request whose task was cancelled before the request wrote anything.
        static func cancelled(_ cause: any Error) -> CodexError {
            CodexError(
                .cancelled,
                "The task was cancelled. The request wrote nothing. What earlier requests of the "
                    + "call wrote stays.",
                cause: cause)
        }

        /// The error of a request that failed.
        init(_ failure: RemoteFailure, _ request: RemoteRequest) {
            switch failure.kind {
            case .unreachable:
                self.init(
                    .unavailable,
                    "The service was not reached. Look at the endpoint, the network and the cause.",
                    cause: failure)
            case .timedOut:
                self.init(
                    .timedOut,
                    "\(request.operation) had no answer in time. Try again, or raise "
                        + "RetryPolicy.deadline.",
                    cause: failure)
            case .interrupted, .unavailable:
                self.init(
                    .unavailable,
                    "The service failed, or the connection to it. Try again later.", cause: failure)
            case .damagedAnswer:
                self.init(
                    .invalidResponse,
                    "The answer is damaged, or is not of DynamoDB's protocol. Look at the "
                        + "endpoint, and at proxies before it.",
                    cause: failure)
            case .foreignAnswer:
                self.init(
                    .invalidResponse,
                    "The answer with the status \(failure.status ?? 0) has no error of DynamoDB: a "
                        + "proxy or another server gave it. Look at the endpoint, and at proxies "
                        + "before it.",
                    cause: failure)
            case .answerTooLarge:
                self.init(
                    .invalidResponse,
                    "The answer is larger than RemoteOptions.responseByteCountMax. Raise it, or "
                        + "ask for less.",
                    cause: failure)
            case .throttled:
                self.init(
                    .throttled,
                    "The service takes no more requests at this moment. Try again later, send "
                        + "fewer at once, or raise the capacity of the table.",
                    cause: failure, reasons: Self.reasons(failure, request))
            case .conflict:
                self.init(
                    .writeConflict,
                    "Other requests were changing the same items, at each attempt. Try again.",
                    cause: failure, reasons: Self.reasons(failure, request))
            case .skewedClock:
                self.init(
                    .accessDenied,
                    "The service refuses the date of the signature. Set the clock of the machine.",
                    cause: failure)
            case .staleCredentials:
                self.init(
                    .accessDenied,
                    "The service does not take the credentials: they have expired, or it does not "
                        + "know the key. Renew them, or look at the region.",
                    cause: failure)
            case .refused: self = Self.refusal(failure, request)
            }
        }

        private static func refusal(
            _ failure: RemoteFailure, _ request: RemoteRequest
        ) -> CodexError {
            switch failure.type ?? "" {
            case "ConditionalCheckFailedException":
                return CodexError(
                    .conditionFailed, "The condition of the write is false for the stored item.",
                    cause: failure, currentItem: failure.item)
            case "TransactionCanceledException":
                return CodexError(
                    .transactionCancelled,
                    "No action of the list was performed. The reasons tell which of them failed.",
                    cause: failure, reasons: reasons(failure, request))
            case "IdempotentParameterMismatchException":
                return CodexError(
                    .idempotencyMismatch,
                    "The idempotency token came with other actions before. Use a new token.",
                    cause: failure)
            case "ResourceNotFoundException" where request.isOfStreams:
                return CodexError(
                    .unknownTable,
                    "The service has no such stream or shard. It keeps them for a day after their "
                        + "end.",
                    cause: failure)
            case "ExpiredIteratorException":
                return CodexError(
                    .invalidPageToken,
                    "The iterator of the shard is too old. Get another one, and read on.",
                    cause: failure)
            case "TrimmedDataAccessException":
                return CodexError(
                    .changesTrimmed,
                    "The stream does not keep these changes any more. Start with the oldest one, "
                        + "and derive from the items what is missing.",
                    cause: failure)
            case "ResourceNotFoundException":
                return CodexError(
                    .unknownTable,
                    "The service has no such table or index. Look at the name, the region and the "
                        + "account.",
                    cause: failure)
            case "ResourceInUseException":
                return CodexError(
                    .inUse, "The table is being created, changed or deleted. Try again later.",
                    cause: failure)
            case "ItemCollectionSizeLimitExceededException", "LimitExceededException":
                return CodexError(
                    .limitReached, "A limit of the service was reached. The cause names it.",
                    cause: failure)
            case "ValidationException" where failure.serviceMessage?.hasPrefix("Item size") == true:
                return CodexError(
                    .itemTooLarge,
                    "The item would have more than \(DynamoDBLimits.itemByteCountMax) bytes. Store "
                        + "less in it.",
                    cause: failure)
            case "ValidationException"
            where failure.serviceMessage?.hasPrefix("The aggregate size of the items") == true:
                return CodexError(
                    .transactionTooLarge,
                    "The items of the transaction have more than 4 MB together, with what is "
                        + "stored of those that it changes or checks. Split it.",
                    cause: failure)
            case "ValidationException", "SerializationException", "RequestEntityTooLarge":
                return CodexError(
                    .invalidArgument,
                    "The service refuses \(request.operation) as invalid. The text of the service "
                        + "is serviceMessage of the cause.",
                    cause: failure)
            case "UnknownOperationException":
                return CodexError(
                    .unsupportedOperation, "The service has no operation \(request.operation).",
                    cause: failure)
            default:
                // The other refusals are of credentials and permissions.
                return CodexError(
                    .accessDenied,
                    "The service refuses \(request.operation). Look at the credentials, their "
                        + "permissions, and the region.",
                    cause: failure)
            }
        }

        /// The error of each action of a list.
        private static func reasons(
            _ failure: RemoteFailure, _ request: RemoteRequest
        ) -> [CodexError?] {
            failure.reasons.enumerated().map { place, reason in
                error(of: reason)?.at(place)
            }
        }

        private static func error(of reason: RemoteFailure.Reason) -> CodexError? {
            switch reason.code {
            case "None": nil
            case "ConditionalCheckFailed":
                CodexError(
                    .conditionFailed, "The condition of the action is false for the stored item.",
                    currentItem: reason.item)
            case "TransactionConflict":
                CodexError(.writeConflict, "Another request was changing the item. Try again.")
            case "ProvisionedThroughputExceeded", "ThrottlingError":
                CodexError(
                    .throttled, "The table takes no more requests at this moment. Try again later.")
            case "ItemCollectionSizeLimitExceeded":
                CodexError(.limitReached, "The items of one partition key have 10 GB in all.")
            case "ValidationError":
                CodexError(
                    .invalidArgument,
                    "The service refuses the action as invalid: its item is too large, say, or its "
                        + "update does not fit the stored types.")
            default: CodexError(.invalidArgument, "The service refuses the action.")
            }
        }
    }
#endif
