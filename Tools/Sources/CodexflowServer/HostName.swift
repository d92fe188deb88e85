#if Server
    import NIOCore

    /// A machine's name or address, as a `Host` header has it.
    package struct HostName: Hashable, Sendable {
        /// The name in lower case, or the address in its usual form.
        package let text: String
        private let isAddress: Bool

        /// The most bytes of a header: the longest DNS name, brackets and a port.
        private static let byteCountMax = 253 + 8

        /// Parses a `Host` header; `nil` if it is invalid.
        package init?(header: String) {
            // A mark after a bracket or a colon would be one character with it.
            guard (1...Self.byteCountMax).contains(header.utf8.count),
                header.utf8.allSatisfy({ $0 < 0x80 })
            else { return nil }
            guard header.utf8.first == UInt8(ascii: "[") else {
                let parts = header.split(
                    separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 1 || Self.isPort(parts[1]) else { return nil }
                self.init(String(parts[0]))
                return
            }
            let parts = header.dropFirst().split(
                separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].contains(":"),
                parts[1].isEmpty || parts[1].first == ":" && Self.isPort(parts[1].dropFirst())
            else { return nil }
            self.init(String(parts[0]))
        }

        /// Parses a name or an address without a port; `nil` if it is neither.
        package init?(_ name: String) {
            let name = name.hasSuffix(".") ? String(name.dropLast()) : name
            let isNumeric = name.utf8.allSatisfy { Self.isDigit($0) || $0 == UInt8(ascii: ".") }
            guard isNumeric || name.contains(":") else {
                guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else { return nil }
                (text, isAddress) = (name.lowercased(), false)
                return
            }
            guard let address = try? SocketAddress(ipAddress: name, port: 0),
                let text = address.ipAddress
            else { return nil }
            (self.text, isAddress) = (Self.unmapped(text), true)
        }

        /// Whether it is a loopback address or name of this machine.
        package var isLoopback: Bool {
            isAddress ? text == "::1" || text.hasPrefix("127.") : text == "localhost"
        }

        /// The IPv4 form of an IPv4 address that is written in IPv6.
        static func unmapped(_ address: String) -> String {
            address.hasPrefix("::ffff:") && address.contains(".")
                ? String(address.dropFirst("::ffff:".count)) : address
        }

        private static func isPort(_ text: Substring) -> Bool {
            text.utf8.count <= 5 && text.utf8.allSatisfy(isDigit)
        }

        private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") < 26
            }
        }
    }
#endif
