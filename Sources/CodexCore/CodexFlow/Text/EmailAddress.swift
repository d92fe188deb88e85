extension CodexFlow {
    /// An e-mail address by the one rule that makes its key (`Docs/Text.md`).
    package struct EmailAddress: Sendable, Hashable {
        /// The text by which addresses are compared.
        ///
        /// It is the local part in composed lower case, `@`, and the domain in ASCII. It is no
        /// address to send mail to: a mail server may distinguish upper and lower case.
        package let key: String
        private let local: String
        private let domain: DomainName

        /// The key in the spellings that the rule before this one may have stored, in ASCII first.
        ///
        /// They have the labels of the domain in ASCII or in Unicode.
        var spellings: [String] { domain.spellings.map { "\(local)@\($0)" } }

        /// Reads an address, with any white space at both ends.
        ///
        /// - Returns: `nil` if the text is no address.
        package init?(_ text: String) {
            let typed = Text.trimmed(text)
            // A code point has at least one byte of the key, and at most nine before composition.
            guard typed.utf8.count <= 9 * Limits.emailByteCountMax else { return nil }
            let codes = Normalization.folded(Normalization.codes(typed))
            guard codes.allSatisfy({ Self.isAllowed($0) }) else { return nil }
            let at = UInt32(UInt8(ascii: "@"))
            let parts = codes.split(separator: at, omittingEmptySubsequences: false)
            guard parts.count == 2, let domain = DomainName(parts[1]) else { return nil }
            self.domain = domain
            local = Normalization.string(parts[0])
            key = "\(local)@\(domain.text)"
            guard (1...Limits.emailLocalByteCountMax).contains(local.utf8.count),
                key.utf8.count <= Limits.emailByteCountMax
            else { return nil }
        }

        /// The text of an address, or of something else, in composed lower case.
        static func folded(_ text: String) -> String {
            Normalization.folded(Text.trimmed(text))
        }

        /// Whether all versions of the rule agree on the address, as on nearly all addresses.
        ///
        /// It is ASCII that is too short to have a label that is too long, and has no Punycode.
        static func isPlain(_ text: String) -> Bool {
            guard text.utf8.count <= Limits.domainLabelByteCountMax else { return false }
            var last: UInt8 = 0
            for byte in text.utf8 {
                if byte >= 0x80 || byte == UInt8(ascii: "-") && last == byte { return false }
                last = byte
            }
            return true
        }

        /// Keys contain addresses, and `#` separates the parts of keys.
        private static func isAllowed(_ code: UInt32) -> Bool {
            code != UInt32(UInt8(ascii: "#"))
                && !CodePoints.contains(code, in: AddressTable.refused)
        }
    }
}
