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
            let bytes = header.utf8
            guard bytes.first == UInt8(ascii: "[") else {
                let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
                guard Self.isPort(bytes[end...]) else { return nil }
                self.init(String(header[..<end]))
                return
            }
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let address = header[..<end].dropFirst()
            guard address.utf8.contains(UInt8(ascii: ":")),
                Self.isPort(bytes[end...].dropFirst())
            else { return nil }
            self.init(String(address))
        }

        /// Parses a name or an address without a port; `nil` if it is neither.
        package init?(_ name: String) {
            let isRooted = name.utf8.last == UInt8(ascii: ".")
            let name = isRooted ? String(Substring(name.utf8.dropLast())) : name
            if Self.isUsualIPv4(name) {
                (text, isAddress) = (name, true)
                return
            }
            let isNumeric = name.utf8.allSatisfy { Self.isDigit($0) || $0 == UInt8(ascii: ".") }
            guard isNumeric || name.utf8.contains(UInt8(ascii: ":")) else {
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

        /// Whether the text is an IPv4 address in its usual form: four numbers below 256, without
        /// leading zeros.
        static func isUsualIPv4(_ text: String) -> Bool {
            var (numberCount, number, digitCount) = (1, 0, 0)
            for byte in text.utf8 {
                if byte == UInt8(ascii: ".") {
                    guard digitCount > 0, numberCount < 4 else { return false }
                    (numberCount, number, digitCount) = (numberCount + 1, 0, 0)
                } else {
                    guard isDigit(byte), digitCount == 0 || number > 0 else { return false }
                    number = number * 10 + Int(byte &- UInt8(ascii: "0"))
                    digitCount += 1
                    guard number < 256 else { return false }
                }
            }
            return numberCount == 4 && digitCount > 0
        }

        /// Whether the text after a host is nothing, or a colon with a port or without one.
        private static func isPort(_ text: Substring.UTF8View) -> Bool {
            guard let colon = text.first else { return true }
            let port = text.dropFirst()
            return colon == UInt8(ascii: ":") && port.count <= 5 && port.allSatisfy(isDigit)
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
