/// A response of DynamoDB's API.
public struct DynamoDBResponse: Sendable, Hashable {
    /// The HTTP status.
    public let status: Int
    /// The body in parts, which form one JSON document.
    ///
    /// The parts of a long response have some 64 KiB each, so that no caller must copy it as a
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

    /// Compares status and body, regardless of the parts.
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
    /// Creates an error response in DynamoDB's form, for a server that refuses a request itself.
    ///
    /// - Parameters:
    ///   - type: The type without its namespace, such as `ThrottlingException`.
    ///   - message: A description of the error for people.
    ///   - status: The HTTP status.
    /// - Returns: The response.
    public static func error(
        _ type: String, _ message: String, status: Int = 400
    ) -> DynamoDBResponse {
        DynamoDBResponse(
            status: status, parts: ResponseWriter(errorType: type, message).close())
    }

    /// The message of the `ThrottlingException` for a request that gets no memory.
    public static let outOfMemoryMessage =
        "The requests at work have the memory of the server. Try again later, or with less."

    /// The message of the `ThrottlingException` for a request whose time is over.
    public static let outOfTimeMessage =
        "The request took longer than the server allows. Try again later, or with less."
}

extension ResponseWriter {
    /// Starts the response of an error.
    init(errorType type: String, _ message: String) {
        self.init()
        let namespace = Self.namespace(of: type)
        string("__type", "\(namespace)#\(type)")
        // Older AWS services capitalize the member's name.
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
