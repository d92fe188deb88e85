/// A domain name in ASCII, as the DNS has it.
///
/// Of UTS 46, a name gets composition and lower case, the validity of its labels, Punycode and the
/// limits of lengths. Characters that UTS 46 would map otherwise are refused, and so is what IDNA
/// 2008 does not permit in labels.
struct DomainName: Hashable {
    /// The labels in ASCII and lower case.
    private let labels: [[UInt8]]

    private static let hyphen = UInt32(UInt8(ascii: "-"))
    private static let prefix = Array("xn--".utf8)

    /// Reads the name from composed text in lower case.
    ///
    /// - Returns: `nil` if the text is no domain name, or is too long for the DNS.
    init?(_ codes: ArraySlice<UInt32>) {
        var labels: [[UInt8]] = []
        let dot = UInt32(UInt8(ascii: "."))
        for label in codes.split(separator: dot, omittingEmptySubsequences: false) {
            guard let ascii = Self.ascii(Array(label)) else { return nil }
            labels.append(ascii)
        }
        self.labels = labels
        let byteCount = labels.reduce(labels.count - 1) { $0 + $1.count }
        guard byteCount <= CodexFlow.Limits.domainByteCountMax else { return nil }
    }

    /// The name in ASCII.
    var text: String {
        labels.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
    }

    /// The name in the spellings that keys of the earlier rule may have, in ASCII first.
    ///
    /// That rule took each label as it was typed, in ASCII or in Unicode. So a name with *n* labels
    /// that are not ASCII has 2ⁿ spellings. If there are more than three such labels, only the
    /// spellings in ASCII and in Unicode are given.
    var spellings: [String] {
        let forms = labels.map { label -> [String] in
            let ascii = String(decoding: label, as: UTF8.self)
            return [ascii] + (Self.decoded(label).map { [Normalization.string($0)] } ?? [])
        }
        guard forms.count(where: { $0.count > 1 }) <= Self.mixedLabelCountMax else {
            return [text, forms.compactMap(\.last).joined(separator: ".")]
        }
        var spellings: [String]?
        for form in forms {
            spellings =
                spellings.map { starts in
                    form.flatMap { label in starts.map { "\($0).\(label)" } }
                } ?? form
        }
        return spellings ?? []
    }

    /// Most labels whose spellings are combined with each other.
    private static let mixedLabelCountMax = 3

    // MARK: Labels

    /// A label in ASCII; `nil` if it is no label.
    private static func ascii(_ label: [UInt32]) -> [UInt8]? {
        let countMax = CodexFlow.Limits.domainLabelByteCountMax
        guard let first = label.first, let last = label.last, first != hyphen, last != hyphen,
            label.count <= countMax
        else { return nil }
        guard label.allSatisfy({ $0 < 0x80 }) else {
            let ascii = encoded(label)
            return ascii.flatMap { $0.count <= countMax ? $0 : nil }
        }
        let bytes = label.map { UInt8(truncatingIfNeeded: $0) }
        // Punycode must be that of the label in Unicode, or a label would have two forms.
        guard bytes.starts(with: prefix) else { return bytes }
        guard let codes = decoded(bytes), Normalization.folded(codes) == codes,
            encoded(codes) == bytes
        else { return nil }
        return bytes
    }

    /// The code points of a label that has the prefix; `nil` for others, and for bad Punycode.
    private static func decoded(_ label: [UInt8]) -> [UInt32]? {
        guard label.starts(with: prefix) else { return nil }
        return Punycode.decode(Array(label.dropFirst(prefix.count)))
    }

    /// The ASCII of a label that is not in ASCII; `nil` if it is not valid.
    private static func encoded(_ label: [UInt32]) -> [UInt8]? {
        guard label.contains(where: { $0 >= 0x80 }), let first = label.first, let last = label.last,
            first != hyphen, last != hyphen,
            !CodePoints.contains(first, in: DomainTable.marks),
            label.dropFirst(2).prefix(2) != [hyphen, hyphen],
            label.allSatisfy({ CodePoints.contains($0, in: DomainTable.allowed) })
        else { return nil }
        return Punycode.encode(label).map { prefix + $0 }
    }
}
