#if Remote
    internal import CodexSignatures
    public import FoundationEssentials

    /// An access key of AWS, or of a service that checks signatures as AWS does.
    ///
    /// Its description has no secret.
    public struct AWSCredentials: Sendable, Hashable {
        /// The identifier of the key.
        public let accessKeyID: String
        /// The secret part of the key.
        public let secretAccessKey: String
        /// The token of a temporary key.
        public let sessionToken: String?
        /// The instant from which on a temporary key is refused; `nil` is never.
        public let expiration: Date?

        /// Creates credentials.
        public init(
            accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil,
            expiration: Date? = nil
        ) {
            self.accessKeyID = accessKeyID
            self.secretAccessKey = secretAccessKey
            self.sessionToken = sessionToken
            self.expiration = expiration
        }
    }

    extension AWSCredentials {
        /// Whether the identifier and the token can stand in the headers of a request.
        var fitsHeaders: Bool {
            AuthorizationHeader.isAccessKeyID(accessKeyID) && sessionToken?.isHeaderValue ?? true
        }
    }

    extension String {
        /// Whether the text has visible ASCII and spaces alone, as the value of a header.
        var isHeaderValue: Bool { utf8.allSatisfy { (0x20...0x7E).contains($0) } }
    }

    extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible,
        CustomReflectable
    {
        /// The kind of the credentials, without the key.
        public var description: String {
            sessionToken == nil ? "AWSCredentials(a key)" : "AWSCredentials(a temporary key)"
        }

        /// The same as ``description``.
        public var debugDescription: String { description }

        /// A mirror without children.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }
#endif
