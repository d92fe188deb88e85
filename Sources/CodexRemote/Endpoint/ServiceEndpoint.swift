#if Remote
    internal import CodexCore

    /// The address of a service: scheme, host and port.
    struct ServiceEndpoint: Sendable, Hashable {
        /// Whether the connection is encrypted.
        let isSecure: Bool
        /// The host: a name or an address, with brackets around one of IPv6.
        let host: String
        /// The port; `nil` is the scheme's.
        let port: Int?

        private static let hostByteCountMax = 255
        /// By the prefix of the region: "Regions and Zones" and the SDKs' endpoint rules.
        private static let domains = [
            ("cn-", "amazonaws.com.cn"), ("us-isob-", "sc2s.sgov.gov"),
            ("us-isof-", "csp.hci.ic.gov"), ("us-iso-", "c2s.ic.gov"),
            ("eu-isoe-", "cloud.adc-e.uk"), ("eusc-", "amazonaws.eu"),
        ]
        /// The domains of hosts with both versions of IP, and how the names of hosts of streams
        /// begin there: "dualStackDnsSuffix" of the SDKs' partitions, and their endpoint rules.
        private static let dualDomains = [
            ("api.aws", "streams-"), ("api.amazonwebservices.com.cn", "streams-"),
            ("api.amazonwebservices.eu", "streams."), ("api.aws.ic.gov", "streams."),
            ("api.aws.scloud", "streams."), ("api.aws.hci.ic.gov", "streams."),
            ("api.cloud-aws.adc-e.uk", "streams."),
        ]

        /// Reads an address such as `http://localhost:8000`.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` for another scheme, for a path, and for
        ///   what is no host or port.
        init(parsing text: String) throws(CodexError) {
            guard let parsed = Self.parts(of: text) else {
                throw CodexError(
                    .invalidArgument,
                    "The endpoint is no address of a service. Write http:// or https://, a host, "
                        + "and if needed a port, without a path: http://localhost:8000.")
            }
            (isSecure, host, port) = parsed
        }

        /// The endpoint of DynamoDB in a region.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` for what is no region.
        init(region: String) throws(CodexError) {
            let domain = Self.domains.first { region.hasPrefix($0.0) }?.1 ?? "amazonaws.com"
            try self.init(parsing: "https://dynamodb.\(region).\(domain)")
        }

        private init(isSecure: Bool, host: String, port: Int?) {
            (self.isSecure, self.host, self.port) = (isSecure, host, port)
        }

        /// The region in a host name of AWS, such as `dynamodb.eu-central-1.amazonaws.com`; `nil`
        /// for another host.
        ///
        /// Endpoints of accounts, of FIPS, of both versions of IP and of private links have the
        /// region as the last label before the domain, or before `vpce`.
        var awsRegion: String? {
            guard let (domain, _) = awsDomain else { return nil }
            var labels = name.dropLast(domain.utf8.count + 1).split(separator: ".")
            if labels.last == "vpce" { labels.removeLast() }
            guard labels.count >= 2, let region = labels.last, Self.isRegion(region) else {
                return nil
            }
            return String(region)
        }

        /// The host without the dot that a whole name of DNS may have at its end.
        private var name: Substring { host.hasSuffix(".") ? host.dropLast() : host[...] }

        /// The domain of AWS that has the host, and how the names of hosts of streams begin in it;
        /// `nil` for another host.
        private var awsDomain: (String, String)? {
            let domains = Self.domains.map { $0.1 } + ["amazonaws.com"]
            if let domain = domains.first(where: { name.hasSuffix("." + $0) }) {
                return (domain, "streams.")
            }
            return Self.dualDomains.first { name.hasSuffix("." + $0.0) }
        }

        /// Whether a label is the name of a region of AWS: words, and a number at the end.
        private static func isRegion(_ label: Substring) -> Bool {
            let parts = label.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count >= 3, let number = parts.last, !number.isEmpty,
                number.utf8.allSatisfy(isDigit)
            else { return false }
            return parts.dropLast().allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { $0 &- UInt8(ascii: "a") < 26 }
            }
        }

        /// The endpoint of the streams: AWS has another host for them, and other services do not.
        ///
        /// The host of an account has no streams: they are at that of the region. Of a private
        /// link, it is not known where they are.
        var ofStreams: ServiceEndpoint {
            guard let (_, start) = awsDomain else { return self }
            var labels = host.split(separator: ".", omittingEmptySubsequences: false)
            if labels[0].utf8.allSatisfy(Self.isDigit), labels.count > 2, labels[1] == "ddb" {
                labels.replaceSubrange(..<2, with: ["dynamodb"])
            }
            guard labels[0] == "dynamodb" || labels[0] == "dynamodb-fips" else { return self }
            return ServiceEndpoint(
                isSecure: isSecure, host: start + labels.joined(separator: "."), port: port)
        }

        /// The endpoint of another host, with the same scheme and port; `nil` for what is no host.
        ///
        /// - Parameter other: A name or an address; one of IPv6 needs no brackets.
        /// - Returns: The endpoint.
        func sibling(_ other: String) -> ServiceEndpoint? {
            let isBare = other.utf8.contains(UInt8(ascii: ":")) && !other.hasPrefix("[")
            let text = "\(isSecure ? "https" : "http")://\(isBare ? "[\(other)]" : other)"
            return try? ServiceEndpoint(parsing: port.map { "\(text):\($0)" } ?? text)
        }

        /// The address of the service's root.
        var url: String { "\(isSecure ? "https" : "http")://\(hostHeader)/" }

        /// The header `Host`: without the port if it is the scheme's.
        var hostHeader: String {
            guard let port, port != (isSecure ? 443 : 80) else { return host }
            return "\(host):\(port)"
        }

        private static func parts(of text: String) -> (isSecure: Bool, host: String, port: Int?)? {
            let lowered = text.lowercased()
            let schemes = [("https://", true), ("http://", false)]
            guard let scheme = schemes.first(where: { lowered.hasPrefix($0.0) }) else { return nil }
            var rest = Substring(lowered.dropFirst(scheme.0.count))
            if rest.hasSuffix("/") { rest = rest.dropLast() }
            guard let (host, portText) = hostAndPort(rest) else { return nil }
            guard let portText else { return (scheme.1, host, nil) }
            guard (1...5).contains(portText.utf8.count), portText.utf8.allSatisfy(isDigit),
                let port = Int(portText), (1...65_535).contains(port)
            else { return nil }
            return (scheme.1, host, port)
        }

        private static func hostAndPort(_ text: Substring) -> (String, Substring?)? {
            if text.hasPrefix("[") {
                guard let end = text.firstIndex(of: "]") else { return nil }
                let (address, rest) = (text[...end], text[text.index(after: end)...])
                guard address.utf8.dropFirst().dropLast().allSatisfy(isAddressByte),
                    address.utf8.count > 2, rest.isEmpty || rest.hasPrefix(":")
                else { return nil }
                return (String(address), rest.isEmpty ? nil : rest.dropFirst())
            }
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let host = parts.first, (1...hostByteCountMax).contains(host.utf8.count),
                host.utf8.allSatisfy(isNameByte)
            else { return nil }
            return (String(host), parts.count > 1 ? parts[1] : nil)
        }

        private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            isDigit(byte) || byte &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }

        private static func isAddressByte(_ byte: UInt8) -> Bool {
            isDigit(byte) || byte &- UInt8(ascii: "a") < 6 || byte == UInt8(ascii: ":")
                || byte == UInt8(ascii: ".")
        }
    }
#endif
