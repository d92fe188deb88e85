internal import CodexCore
internal import Synchronization

/// An error as DynamoDB's API names it: "Error handling with DynamoDB" in its developer guide.
struct ServiceError: Error {
    /// The type's name, as `ValidationException`.
    let type: String
    let message: String
    /// What each action of a transaction failed with.
    var reasons: [Reason]?
    /// The stored items that conditions failed on, where they are to be returned.
    var items: FailureItems?

    /// What an action of a transaction failed with; code `None` if it did not.
    struct Reason {
        let code: String
        var message: String?
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

    /// A request for which there is no memory now.
    static var outOfMemory: ServiceError {
        ServiceError("ThrottlingException", DynamoDBResponse.outOfMemoryMessage)
    }

    /// A request whose response would be too long.
    static var responseTooLarge: ServiceError {
        .validation(
            "The response would have more than \(ResponseWriter.byteCountMax) bytes. Ask for fewer "
                + "items, or for some of their attributes")
    }

    /// A request whose time was over before it changed anything.
    static var outOfTime: ServiceError {
        ServiceError(
            "ThrottlingException",
            "The request took longer than the server allows. Try again later, or with less.")
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

    /// Whether its items are written where long work is done.
    var isLarge: Bool { (items?.byteCount ?? 0) >= RequestBudget.smallByteCount }

    /// The response; each part of its items is reserved.
    ///
    /// The items are gone afterwards.
    ///
    /// - Throws: As ``ResponseWriter/reserve(_:)``.
    func response(_ budget: RequestBudget) throws -> DynamoDBResponse {
        var response = ResponseWriter(errorType: type, message)
        if let reasons {
            try response.objects("CancellationReasons", reasons.enumerated()) { entry, reason in
                entry.string("Code", reason.element.code)
                if let message = reason.element.message { entry.string("Message", message) }
                try items?.write(reason.offset, to: &entry, budget)
            }
        } else {
            try items?.write(0, to: &response, budget)
        }
        if items != nil { try response.reserve(budget) }
        return DynamoDBResponse(status: status, parts: response.close())
    }
}

/// The stored items that an error returns, by the places of the actions, and their memory.
final class FailureItems: Sendable {
    /// The size of all items.
    let byteCount: Int
    private let items: Mutex<[Item?]>
    private let memory: DecodedMemory

    /// `nil` without any item.
    init?(_ items: [Item?], _ memory: DecodedMemory) {
        guard items.contains(where: { $0 != nil }) else { return nil }
        byteCount = items.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        self.items = Mutex(items)
        self.memory = memory
    }

    /// Writes an item, if there is one, and lets go of it.
    func write(_ place: Int, to response: inout ResponseWriter, _ budget: RequestBudget) throws {
        let item = items.withLock { items -> Item? in
            guard items.indices.contains(place) else { return nil }
            defer { items[place] = nil }
            return items[place]
        }
        guard let item else { return }
        try response.item("Item", item, byteCount: item.byteCount, budget)
    }

    /// Lets go of all items.
    func release() {
        items.withLock { $0 = [] }
        memory.release()
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
        case .outOfMemory: self = .outOfMemory
        case .following, .readOnly, .keyUnavailable:
            self.init("AccessDeniedException", error.message)
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
            Reason(code: "ConditionalCheckFailed", message: "The conditional request failed")
        case .itemTooLarge:
            Reason(
                code: "ValidationError", message: "Item size has exceeded the maximum allowed size")
        default: Reason(code: "ValidationError", message: error.message)
        }
    }
}
