#if Server
    /// The origin of a web page, as a browser sends it: scheme, host and port, without a path.
    package struct WebOrigin: Hashable, Sendable {
        /// The origin in lower case, without its scheme's default port, as browsers send it.
        package let text: String

        /// The default ports, which browsers omit.
        private static let usualPorts = ["http": ":80", "https": ":443"]

        /// Parses an origin such as `https://a.example:3000`; `nil` if no browser sends it.
        ///
        /// Patterns, paths and `null` (which all pages without an origin share) are not origins.
        package init?(_ text: String) {
            let parts = text.lowercased().split(
                separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, Self.isScheme(parts[0]),
                let host = HostName(header: String(parts[1]))
            else { return nil }
            // A browser writes each host in one form only.
            let written = host.text.contains(":") ? "[\(host.text)]" : host.text
            guard parts[1].hasPrefix(written) else { return nil }
            let port = parts[1].dropFirst(written.count)
            guard port.isEmpty || Self.isPort(port) else { return nil }
            let isUsual = Self.usualPorts[String(parts[0])].map { $0 == port } ?? false
            self.text = "\(parts[0])://\(written)\(isUsual ? "" : port)"
        }

        /// Whether the text is a scheme (RFC 3986, 3.1) in lower case.
        private static func isScheme(_ text: Substring) -> Bool {
            guard let first = text.utf8.first, isLetter(first) else { return false }
            return text.utf8.allSatisfy { byte in
                isLetter(byte) || byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "+")
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            }
        }

        private static func isLetter(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "a") < 26 }

        /// Whether the text is a colon and a port without leading zeros.
        private static func isPort(_ text: Substring) -> Bool {
            let digits = text.dropFirst()
            guard text.first == ":", let port = UInt16(digits) else { return false }
            return port > 0 && String(port) == digits
        }
    }
#endif
