#if Remote
    internal import CodexCore

    /// Asks nodes of Alternator for the nodes that work: "Service discovery" among ScyllaDB's
    /// "Alternator-specific APIs".
    struct NodeDiscovery: Sendable {
        let balancing: NodeBalancing
        let transport: any HTTPTransport

        /// The time of one request.
        private static let timeout: Duration = .seconds(2)
        /// The most bytes of an answer: some more than a thousand addresses.
        private static let byteCountMax = 64 << 10

        /// The nodes of the data center, and which of them are in the rack.
        ///
        /// - Parameters:
        ///   - endpoint: The node that is asked.
        ///   - time: The time of each request, unless that is longer than usual.
        /// - Returns: The nodes, with the scheme and the port of `endpoint`.
        /// - Throws: ``CodexError/Code/invalidResponse`` for an answer that is no list of nodes;
        ///   the errors of the transport.
        func nodes(
            from endpoint: ServiceEndpoint, within time: Duration
        ) async throws -> NodeTable.List {
            let place = balancing.dataCenter.map { "dc=\(Self.encoded($0))" }
            var list = NodeTable.List(try await nodes(from: endpoint, [place], within: time))
            if let rack = balancing.rack {
                let query = [place, "rack=\(Self.encoded(rack))"]
                list.near = Set(try await nodes(from: endpoint, query, within: time))
            }
            return list
        }

        private func nodes(
            from endpoint: ServiceEndpoint, _ query: [String?], within time: Duration
        ) async throws -> [ServiceEndpoint] {
            let text = query.compactMap { $0 }.joined(separator: "&")
            let path = text.isEmpty ? "localnodes" : "localnodes?\(text)"
            return try Self.nodes(
                in: try await get(endpoint, path, within: time), from: endpoint)
        }

        /// Whether a node answers.
        func isLive(_ endpoint: ServiceEndpoint) async -> Bool {
            let response = try? await get(endpoint, "", within: Self.timeout)
            return response?.status == 200
        }

        private func get(
            _ endpoint: ServiceEndpoint, _ path: String, within time: Duration
        ) async throws -> TransportResponse {
            try await transport.send(
                TransportRequest(
                    method: "GET", url: endpoint.url + path,
                    headers: [(name: "host", value: endpoint.hostHeader)],
                    timeout: min(time, Self.timeout), responseByteCountMax: Self.byteCountMax))
        }

        private static func nodes(
            in response: TransportResponse, from endpoint: ServiceEndpoint
        ) throws -> [ServiceEndpoint] {
            // A node that starts or stops may answer so.
            if response.status >= 500 { throw TransportFailure(.interrupted) }
            guard response.status == 200, let node = try? JSONNode.parse(response.body),
                case .array(let elements) = node
            else { throw malformed }
            return try elements.map { element throws(CodexError) -> ServiceEndpoint in
                guard let host = element.text, let found = endpoint.sibling(host) else {
                    throw malformed
                }
                return found
            }
        }

        private static var malformed: CodexError {
            CodexError(
                .invalidResponse,
                "The answer to GET /localnodes is no list of nodes. RemoteOptions.nodes is for "
                    + "ScyllaDB's Alternator: look at the seeds, or set RemoteOptions.endpoint.")
        }

        /// A name as it stands in a query (RFC 3986, 2.1).
        private static func encoded(_ name: String) -> String {
            let marks = Array("-._".utf8)
            return name.utf8.map { byte -> String in
                let isDigit = byte &- UInt8(ascii: "0") < 10
                let isLetter = (byte | 0x20) &- UInt8(ascii: "a") < 26
                if isDigit || isLetter || marks.contains(byte) {
                    return String(Unicode.Scalar(byte))
                }
                let digits = String(byte, radix: 16, uppercase: true)
                return byte < 16 ? "%0\(digits)" : "%\(digits)"
            }.joined()
        }
    }
#endif
