#if Remote
    internal import CodexCore

    /// A query or scan, from which pages are read.
    struct PagedRead: Sendable {
        let operation: String
        let table: String
        let index: String?
        let keyCondition: String?
        let filter: String?
        let projection: String?
        let expressions: ExpressionWriter
        var isBackward = false
        var segment: RemoteScan.Segment?
        let isConsistent: Bool

        /// The request for a page.
        ///
        /// - Parameters:
        ///   - limit: The most items to examine.
        ///   - start: The key after which the page begins.
        /// - Returns: The JSON.
        func body(limit: Int? = nil, after start: Item? = nil) -> [UInt8] {
            RequestWriter.body { body in
                body.text("TableName", table)
                if let index { body.text("IndexName", index) }
                if let keyCondition { body.text("KeyConditionExpression", keyCondition) }
                if let filter { body.text("FilterExpression", filter) }
                if let projection { body.text("ProjectionExpression", projection) }
                expressions.write(to: &body)
                if isBackward { body.flag("ScanIndexForward", false) }
                if let segment {
                    body.integer("Segment", segment.number)
                    body.integer("TotalSegments", segment.count)
                }
                if isConsistent { body.flag("ConsistentRead", true) }
                if let limit { body.integer("Limit", limit) }
                if let start { body.item("ExclusiveStartKey", start) }
            }
        }

        // MARK: Page tokens

        private static let digestByteCount = 16

        /// The bytes by which a token is bound to its query.
        private var digest: [UInt8] {
            Array(SHA256.digest(body()).prefix(Self.digestByteCount))
        }

        /// The token of the page after a key.
        func token(after key: Item) -> PageToken {
            PageToken(Base64.encodeURL(digest + Array(DynamoDBJSON.text(key).utf8)))
        }

        /// The key in a token.
        ///
        /// - Throws: ``CodexError/Code/invalidPageToken`` if it is damaged, or of another query.
        func key(in token: PageToken) throws(CodexError) -> Item {
            guard let bytes = Base64.decodeURL(token.description),
                bytes.starts(with: digest),
                let node = try? JSONNode.parse(Array(bytes.dropFirst(Self.digestByteCount))),
                let key = try? DynamoDBJSON.item(node)
            else {
                throw CodexError(
                    .invalidPageToken,
                    "The page token is damaged, or belongs to another query. Begin with the first "
                        + "page.")
            }
            return key
        }
    }
#endif
