internal import CodexCore

/// An error as DynamoDB's API names it: "Error handling with DynamoDB" in its developer guide.
struct ServiceError: Error {
    /// The type's name, as `ValidationException`.
    let type: String
    let message: String
    /// The stored item, where a failed condition is to return it.
    var item: Item?
    /// What each action of a transaction failed with.
    var reasons: [Reason]?

    /// What an action of a transaction failed with; code `None` if it did not.
    struct Reason {
        let code: String
        var message: String?
        var item: Item?
    }

    init(_ type: String, _ message: String) {
        self.type = type
        self.message = message
    }

    static func validation(_ message: String) -> ServiceError {
        ServiceError("ValidationException", message)
    }

    /// A request whose JSON has the wrong shape.
    static func serialization(_ message: String) -> ServiceError {
        ServiceError("SerializationException", message)
    }

    static var tableNotFound: ServiceError {
        ServiceError("ResourceNotFoundException", "Requested resource not found")
    }

    /// The HTTP status.
    var status: Int {
        switch type {
        case "InternalServerError": 500
        default: 400
        }
    }

    /// The type with its namespace, as clients get it.
    private var qualifiedType: String {
        switch type {
        case "ValidationException": "com.amazon.coral.validate#" + type
        case "SerializationException", "UnknownOperationException", "AccessDeniedException",
            "MissingAuthenticationTokenException", "IncompleteSignatureException",
            "InvalidSignatureException", "UnrecognizedClientException":
            "com.amazon.coral.service#" + type
        default: "com.amazonaws.dynamodb.v20120810#" + type
        }
    }

    /// The body of the answer.
    var body: [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"__type\":")
        writer.string(qualifiedType)
        // Older services of AWS say it with a capital letter.
        writer.raw(
            qualifiedType.hasPrefix("com.amazon.coral.service") ? ",\"Message\":" : ",\"message\":")
        writer.string(message)
        if let item {
            writer.raw(",\"Item\":")
            writer.typed(item)
        }
        if let reasons {
            writer.raw(",\"CancellationReasons\":[")
            for (place, reason) in reasons.enumerated() {
                writer.raw((place > 0 ? "," : "") + "{\"Code\":")
                writer.string(reason.code)
                if let message = reason.message {
                    writer.raw(",\"Message\":")
                    writer.string(message)
                }
                if let item = reason.item {
                    writer.raw(",\"Item\":")
                    writer.typed(item)
                }
                writer.raw("}")
            }
            writer.raw("]")
        }
        writer.raw("}")
        return writer.bytes
    }
}

extension ServiceError {
    /// What an error of the store is for DynamoDB's clients.
    init(_ error: any Error) {
        if let failure = error as? ServiceError {
            self = failure
            return
        }
        guard let error = error as? CodexError else {
            self.init("InternalServerError", "The request failed: \(Swift.type(of: error)).")
            return
        }
        switch error.code {
        case .conditionFailed, .uniqueViolation:
            self.init("ConditionalCheckFailedException", "The conditional request failed")
        case .unknownTable: self = .tableNotFound
        case .transactionCancelled:
            self.init(
                cancelledFor: error.reasons.map { $0.map(Self.reason) ?? Reason(code: "None") })
        case .idempotencyMismatch:
            self.init(
                "IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request.")
        case .duplicateTarget:
            self = .validation(
                "Transaction request cannot include multiple operations on one item")
        case .itemTooLarge:
            self = .validation("Item size has exceeded the maximum allowed size")
        case .queueFull:
            self.init("ThrottlingException", "Too many writes wait. Try again later.")
        case .following, .readOnly: self.init("AccessDeniedException", error.message)
        case .changesTrimmed:
            self.init(
                "TrimmedDataAccessException",
                "The requested records are beyond the retention period of the stream.")
        case .invalidJSON: self = .serialization(error.message)
        case .invalidNumber, .invalidItem, .invalidKey, .keyTooLong, .invalidPath,
            .invalidExpression, .invalidArgument, .invalidIdentifier, .invalidPageToken,
            .typeMismatch, .missingAttribute, .invalidSchema, .schemaMismatch, .unknownIndex,
            .indexNotReady, .transactionTooLarge:
            self = .validation(error.message)
        default: self.init("InternalServerError", "The store refused: \(error.code).")
        }
    }

    /// A transaction of which some actions fail.
    init(cancelledFor reasons: [Reason]) {
        self.init(
            "TransactionCanceledException",
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
                + "[\(reasons.map(\.code).joined(separator: ", "))]")
        self.reasons = reasons
    }

    private static func reason(_ error: CodexError) -> Reason {
        switch error.code {
        case .conditionFailed, .uniqueViolation:
            Reason(
                code: "ConditionalCheckFailed", message: "The conditional request failed",
                item: error.currentItem)
        case .itemTooLarge:
            Reason(
                code: "ValidationError", message: "Item size has exceeded the maximum allowed size")
        default: Reason(code: "ValidationError", message: error.message)
        }
    }
}
