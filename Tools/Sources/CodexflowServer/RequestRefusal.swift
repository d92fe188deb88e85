#if Server
    import CodexDynamoDB

    /// A request that the server itself refuses.
    package struct RequestRefusal: Error, Hashable {
        package let status: Int
        package let type: String
        package let message: String

        package init(_ type: String, _ message: String, status: Int = 400) {
            (self.type, self.message, self.status) = (type, message, status)
        }

        /// The answer, in the form of DynamoDB's errors.
        package var response: DynamoDBResponse {
            .error(type, message, status: status)
        }

        /// The refusal of input that is not an HTTP request, or a doubtful one.
        static func malformed(_ message: String, status: Int = 400) -> RequestRefusal {
            RequestRefusal("SerializationException", message, status: status)
        }

        static var tooLarge: RequestRefusal {
            RequestRefusal(
                "RequestEntityTooLarge", "A request has 16 MiB at most.", status: 413)
        }

        static var notGzip: RequestRefusal {
            malformed("The body is not gzip, or unpacks to too much.")
        }

        static var outOfMemory: RequestRefusal {
            RequestRefusal("ThrottlingException", DynamoDBResponse.outOfMemoryMessage)
        }
    }
#endif
