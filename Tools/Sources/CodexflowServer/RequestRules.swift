#if Server
    import NIOHTTP1

    /// The rules that accept requests by their heads: by their address and their framing.
    ///
    /// A page of another site can make a browser send requests to this machine. It can set neither
    /// the `Host` nor the `Origin` header freely. A page whose name resolves to a loopback address
    /// is therefore refused by its name, before its origin and all else are looked at.
    package struct RequestRules: Sendable {
        /// DynamoDB's own limit on a request's body, in bytes.
        package static let bodyByteCountMax = 16 << 20
        /// DynamoDB's own limit on the request line and the headers together, in bytes.
        ///
        /// It is not documented: scylladb/scylladb#23438 measured it.
        package static let headByteCountMax = 16 << 10

        private let hosts: Set<String>
        private let origins: Set<String>
        private let allowsAnyOrigin: Bool
        private let servesNodes: Bool

        /// Creates rules.
        ///
        /// - Parameters:
        ///   - host: The address that the server is bound to.
        ///   - hosts: Other names and addresses under which clients may reach it.
        ///   - origins: The origins whose pages may use the server, as ``WebOrigin`` parses them;
        ///     an invalid one allows nothing.
        ///   - allowsAnyOrigin: Whether the pages of all origins may use it.
        ///   - servesNodes: Whether `GET /localnodes` lists nodes, as in Alternator.
        package init(
            boundTo host: String, hosts: [String] = [], origins: [String] = [],
            allowsAnyOrigin: Bool = false, servesNodes: Bool = false
        ) {
            self.hosts = Set(([host] + hosts).compactMap { HostName($0)?.text })
            self.origins = Set(origins.compactMap { WebOrigin($0)?.text })
            self.allowsAnyOrigin = allowsAnyOrigin
            self.servesNodes = servesNodes
        }

        /// Accepts or refuses a request by its head.
        ///
        /// - Parameters:
        ///   - head: The head.
        ///   - localAddress: The address that the client connected to.
        /// - Returns: The content of the head.
        /// - Throws: The refusal of the request.
        package func accept(
            _ head: HTTPRequestHead, localAddress: String? = nil
        ) throws(RequestRefusal) -> AcceptedHead {
            guard Self.byteCount(of: head) <= Self.headByteCountMax else {
                throw RequestRefusal.headTooLarge
            }
            let fields = try HeadFields(head.headers)
            try requireHost(fields[.host], localAddress)
            let target = Self.target(head.uri)
            if let authority = target.authority { try requireHost(authority, localAddress) }
            let origin = try allowed(fields[.origin])
            do throws(RequestRefusal) {
                let byteCount = try Self.byteCount(fields, head.version)
                let route = try route(head, target.path, fields)
                guard route == .operation || byteCount == 0 else {
                    throw RequestRefusal.malformed("Only a POST has a body.")
                }
                return AcceptedHead(route, fields, head, origin: origin, byteCount: byteCount)
            } catch {
                throw error.readable(by: origin)
            }
        }

        /// The bytes of the request line and the headers, with the ends of their lines.
        private static func byteCount(of head: HTTPRequestHead) -> Int {
            let line = head.method.rawValue.utf8.count + head.uri.utf8.count
            return head.headers.reduce(line + "  HTTP/1.1\r\n\r\n".utf8.count) { sum, header in
                sum + header.name.utf8.count + header.value.utf8.count + ": \r\n".utf8.count
            }
        }

        /// The origin that an answer allows: that of the request, or all.
        private func allowed(_ origin: String?) throws(RequestRefusal) -> String? {
            guard let origin else { return nil }
            if allowsAnyOrigin { return "*" }
            guard origins.contains(origin.lowercased()) else {
                throw RequestRefusal(
                    "AccessDeniedException",
                    "Requests of pages are refused. Allow their origin with --allow-origin.",
                    status: 403)
            }
            return origin
        }

        private func requireHost(
            _ header: String?, _ localAddress: String?
        ) throws(RequestRefusal) {
            guard let header, let host = HostName(header: header) else {
                throw RequestRefusal.malformed("A request has one Host header, with a host.")
            }
            guard
                host.isLoopback || hosts.contains(host.text)
                    || host.text == localAddress.map(HostName.unmapped)
            else {
                throw RequestRefusal(
                    "AccessDeniedException",
                    "The Host of the request is no name of this server. Allow it with "
                        + "--allow-host.",
                    status: 403)
            }
        }

        /// The announced length of the body; `nil` for a chunked body.
        private static func byteCount(
            _ fields: HeadFields, _ version: HTTPVersion
        ) throws(RequestRefusal) -> Int? {
            switch (fields[.contentLength], fields[.transferEncoding]) {
            case (nil, nil): return 0
            case (_?, _?):
                throw RequestRefusal.malformed(
                    "Content-Length and Transfer-Encoding exclude each other.")
            case (nil, let coding?):
                guard version.minor >= 1, coding.lowercased() == "chunked" else {
                    throw RequestRefusal.malformed("The transfer encoding is not known.")
                }
                return nil
            case (let length?, nil):
                let isNumber = length.utf8.allSatisfy { $0 &- UInt8(ascii: "0") < 10 }
                guard isNumber, !length.isEmpty else {
                    throw RequestRefusal.malformed("The Content-Length is not a number.")
                }
                guard let count = Int(length), count <= bodyByteCountMax else {
                    throw RequestRefusal.tooLarge
                }
                return count
            }
        }

        /// The parts of a target; proxies send it in absolute form (RFC 9112, 3.2.2).
        private static func target(_ uri: String) -> (authority: String?, path: String) {
            // Nearly all targets are paths.
            if uri.utf8.first == UInt8(ascii: "/") { return (nil, uri) }
            let scheme = "http://"
            guard uri.prefix(scheme.count).lowercased() == scheme else { return (nil, uri) }
            let rest = uri.dropFirst(scheme.count)
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            // A target without a path has the root's path.
            return (String(rest[..<end]), end == rest.endIndex ? "/" : String(rest[end...]))
        }

        private func route(
            _ head: HTTPRequestHead, _ path: String, _ fields: HeadFields
        ) throws(RequestRefusal) -> AcceptedHead.Route {
            if servesNodes, head.method == .GET, let query = NodeQuery(target: path) {
                return .nodes(query)
            }
            guard path == "/" else {
                throw RequestRefusal(
                    "UnknownOperationException", "Requests go to the path /.", status: 404)
            }
            switch head.method {
            case .GET: return .health
            case .OPTIONS where fields[.origin] != nil: return .preflight
            case .POST: break
            default:
                throw RequestRefusal(
                    "UnknownOperationException", "Requests are sent with POST.", status: 405)
            }
            guard let type = fields[.contentType], Self.isJSON(type) else {
                throw RequestRefusal.malformed(
                    "The Content-Type is not application/x-amz-json-1.0.", status: 415)
            }
            return .operation
        }

        /// Whether a content type is that of DynamoDB's requests, with any parameters.
        private static func isJSON(_ contentType: String) -> Bool {
            let json = "application/x-amz-json-1.0"
            // Clients send it in this form.
            if contentType == json { return true }
            let type = contentType.prefix { $0 != ";" }.lowercased()
            return type.split(separator: " ") == [json[...]]
        }
    }

    /// The data that the server keeps of a request's head.
    package struct AcceptedHead: Sendable {
        /// The kind of a request.
        enum Route: Hashable, Sendable {
            /// A check that the server runs.
            case health
            /// A request for the nodes of a model of Alternator.
            case nodes(NodeQuery)
            /// A browser's preflight request.
            case preflight
            /// A request of DynamoDB's API.
            case operation
        }

        let route: Route
        /// The header `X-Amz-Target`.
        package let target: String?
        let authorization: String?
        let contentEncoding: String?
        let codings: AcceptedCodings
        /// The origin that the answer allows: that of the page that sent the request, or `*`.
        let origin: String?
        /// What a preflight request asks for.
        let preflight: Preflight?
        /// The announced length of the body; `nil` for a chunked body.
        let byteCount: Int?
        let expectsContinue: Bool
        /// Whether the connection ends after the answer.
        let closes: Bool

        fileprivate init(
            _ route: Route, _ fields: HeadFields, _ head: HTTPRequestHead, origin: String?,
            byteCount: Int?
        ) {
            self.route = route
            self.origin = origin
            self.byteCount = byteCount
            preflight = route == .preflight ? Preflight(fields, origin: origin ?? "") : nil
            target = fields[.target]
            authorization = fields[.authorization]
            contentEncoding = fields[.contentEncoding]
            codings = AcceptedCodings(fields[.acceptEncoding])
            expectsContinue = fields[.expect]?.lowercased() == "100-continue"
            // The bytes after an upgrade request would not be parsed as requests.
            closes = head.version.minor < 1 || !head.isKeepAlive || fields[.upgrade] != nil
        }

        /// Creates the head of a request that did not arrive over a network.
        package init(target: String?, contentEncoding: String? = nil, acceptsGzip: Bool = false) {
            route = .operation
            (self.target, self.contentEncoding) = (target, contentEncoding)
            codings = AcceptedCodings(takesGzip: acceptsGzip)
            (authorization, origin, preflight, byteCount) = (nil, nil, nil, nil)
            (expectsContinue, closes) = (false, false)
        }
    }
#endif
