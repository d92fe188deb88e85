#if Remote
    public import CodexCore

    /// A walk over all items of a remote table, or over all entries of an index.
    public struct RemoteScan: Sendable, Hashable {
        /// One of several parts of a scan, which readers can walk at once.
        public struct Segment: Sendable, Hashable {
            /// The number of the part, from 0.
            public var number: Int
            /// The number of parts.
            public var count: Int

            /// Names a part.
            public init(_ number: Int, of count: Int) {
                (self.number, self.count) = (number, count)
            }
        }

        /// The index's name; `nil` is the table itself.
        public var index: String?
        /// The condition that a returned item must satisfy.
        public var filter: Condition?
        /// The parts of the items to return; `nil` is all.
        public var projection: Projection?
        /// The part of the table to walk; `nil` is the whole table.
        public var segment: Segment?

        /// Creates a scan.
        public init(
            index: String? = nil, filter: Condition? = nil, projection: Projection? = nil,
            segment: Segment? = nil
        ) {
            self.index = index
            self.filter = filter
            self.projection = projection
            self.segment = segment
        }
    }
#endif
