#if Server
    import CodexDynamoDB

    /// A request that the server itself refuses.
    package struct RequestRefusal: Error, Hashable {
        package let status: Int
        package let type: String
        package let message: String
        /// The origin whose pages may read the answer.
        private(set) var origin: String?

        package init(_ type: String, _ message: String, status: Int = 400) {
            (self.type, self.message, self.status) = (type, message, status)
        }

        /// The same refusal, which pages of an allowed origin may read.
        func readable(by origin: String?) -> RequestRefusal {
            var refusal = self
            refusal.origin = origin
            return refusal
        }

        /// The answer, in the form of DynamoDB's errors.
        package var response: DynamoDBResponse {
            .error(type, message, status: status)
        }

        /// The refusal of input that is not an HTTP request, or a doubtful one.
        static func malformed(_ message: String, status: Int = 400) -> RequestRefusal {
            RequestRefusal("SerializationException", message, status: status)
        }

        /// The refusal of a request that claims no access key.
        static var missingSigner: RequestRefusal {
            RequestRefusal(
                "MissingAuthenticationTokenException", "Request is missing Authentication Token")
        }

        static var tooLarge: RequestRefusal {
            RequestRefusal(
                "RequestEntityTooLarge", "A request has 16 MiB at most.", status: 413)
        }

        /// The refusal of a body that is not in its content encoding.
        ///
        /// DynamoDB answers it with status 500: `test/alternator/test_compressed_request.py` of
        /// scylladb/scylladb, which was run against DynamoDB.
        static var notGzip: RequestRefusal {
            RequestRefusal("InternalServerError", "The body is not gzip.", status: 500)
        }

        /// The refusal of a content encoding other than gzip; DynamoDB's status is 500 as well.
        static var unknownEncoding: RequestRefusal {
            RequestRefusal(
                "InternalServerError", "The content encoding is not known.", status: 500)
        }

        static var unpacksToTooMuch: RequestRefusal {
            malformed("The body unpacks to too much.")
        }

        static var tooManyBlocks: RequestRefusal {
            malformed("The body has too many members or blocks of gzip.")
        }

        /// The refusal of a request line and headers that are too long.
        ///
        /// DynamoDB permits 16 KB, and answers more with status 400 (scylladb/scylladb#23438).
        static var headTooLarge: RequestRefusal {
            malformed("The request line and the headers are too long, or too many.")
        }

        static var outOfMemory: RequestRefusal {
            RequestRefusal("ThrottlingException", DynamoDBResponse.outOfMemoryMessage)
        }

        static var outOfTime: RequestRefusal {
            RequestRefusal("ThrottlingException", DynamoDBResponse.outOfTimeMessage)
        }
    }
#endif
