#if Server
    import CodexSignatures
    import NIOHTTP1

    /// A header that the server reads.
    enum HeadField: Int, CaseIterable {
        case acceptEncoding, authorization, contentEncoding, contentLength, contentType, date,
            amzDate, expect, host, origin, requestedHeaders, requestedMethod,
            requestedPrivateNetwork, target, transferEncoding, upgrade

        /// The names in lower case, in the order of the cases.
        static let names = [
            "accept-encoding", "authorization", "content-encoding", "content-length",
            "content-type", "date", "x-amz-date", "expect", "host", "origin",
            "access-control-request-headers", "access-control-request-method",
            "access-control-request-private-network", "x-amz-target", "transfer-encoding",
            "upgrade",
        ]

        var name: String { Self.names[rawValue] }

        /// Whether the header defines what a request means, so that it must occur once.
        var isSingle: Bool { self != .acceptEncoding }

        /// Finds a header by its name in any case of letters; `nil` if the server does not read it.
        init?(_ name: String) {
            guard let place = Self.names.firstIndex(where: { name.isHeaderName($0) }) else {
                return nil
            }
            self.init(rawValue: place)
        }
    }

    /// The headers that the server reads, by their names.
    ///
    /// They are found in one pass over a request's headers.
    struct HeadFields {
        /// The values, at the raw values of their fields.
        private var values = [String?](repeating: nil, count: HeadField.names.count)

        /// Finds the headers of a request.
        ///
        /// - Throws: The refusal of a request that has a header twice which must occur once.
        init(_ headers: HTTPHeaders) throws(RequestRefusal) {
            for (name, value) in headers {
                guard let field = HeadField(name) else { continue }
                guard values[field.rawValue] == nil || !field.isSingle else {
                    throw RequestRefusal.malformed("The header \(field.name) is there twice.")
                }
                // The lines of a header that is a list make one list (RFC 9110, 5.3).
                values[field.rawValue] = values[field.rawValue].map { "\($0), \(value)" } ?? value
            }
        }

        subscript(field: HeadField) -> String? { values[field.rawValue] }
    }
#endif
