/// A response of DynamoDB's API.
public struct DynamoDBResponse: Sendable, Hashable {
    /// The HTTP status.
    public let status: Int
    /// The body in parts: JSON once they are joined.
    ///
    /// The parts of a long response have some 64 KiB each, so that nobody has to copy it as a
    /// whole.
    public let parts: [[UInt8]]

    /// The body: JSON.
    ///
    /// - Complexity: O(*n*) in the body's bytes if it has several parts.
    public var body: [UInt8] { parts.count == 1 ? parts[0] : Array(parts.joined()) }

    /// The body's length in bytes.
    public var byteCount: Int { parts.reduce(0) { $0 + $1.count } }

    /// Creates a response.
    public init(status: Int, body: [UInt8]) {
        self.init(status: status, parts: [body])
    }

    /// Creates a response from the parts of its body.
    public init(status: Int, parts: [[UInt8]]) {
        self.status = status
        self.parts = parts
    }

    /// Compares status and body, however it is divided.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.status == rhs.status && lhs.byteCount == rhs.byteCount
            && lhs.parts.joined().elementsEqual(rhs.parts.joined())
    }

    /// Hashes status and length.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(status)
        hasher.combine(byteCount)
    }
}

// MARK: Errors

extension DynamoDBResponse {
    /// An error as DynamoDB's API has it: for a server that refuses a request itself.
    ///
    /// - Parameters:
    ///   - type: The type without its namespace, as `ThrottlingException`.
    ///   - message: What is wrong, for people.
    ///   - status: The HTTP status.
    /// - Returns: The response.
    public static func error(
        _ type: String, _ message: String, status: Int = 400
    ) -> DynamoDBResponse {
        DynamoDBResponse(
            status: status, parts: ResponseWriter(errorType: type, message).close())
    }

    /// What the `ThrottlingException` says that a request gets for which there is no memory.
    public static let outOfMemoryMessage =
        "The requests at work have the memory of the server. Try again later, or with less."
}

extension ResponseWriter {
    /// Begins the response of an error.
    init(errorType type: String, _ message: String) {
        self.init()
        let namespace = Self.namespace(of: type)
        string("__type", "\(namespace)#\(type)")
        // Older services of AWS say it with a capital letter.
        string(namespace == Self.serviceNamespace ? "Message" : "message", message)
    }

    private static let serviceNamespace = "com.amazon.coral.service"

    private static func namespace(of type: String) -> String {
        switch type {
        case "ValidationException": "com.amazon.coral.validate"
        case "SerializationException", "UnknownOperationException", "AccessDeniedException",
            "MissingAuthenticationTokenException", "IncompleteSignatureException",
            "InvalidSignatureException", "UnrecognizedClientException", "RequestEntityTooLarge":
            serviceNamespace
        default: "com.amazonaws.dynamodb.v20120810"
        }
    }
}
