#if Macros
    import CodexCore
    import Foundation

    /// The status of an order.
    enum OrderStatus: String, CaseIterable, AttributeConvertible { case done, held, open }

    /// The orders that the macro makes, named after the variant with the definition.
    ///
    /// The arguments of the macro are no literals: it refuses literals with these mistakes.
    enum MacroOrders {
        /// The types by their variants.
        static let types: [(variant: any OrderVariant.Type, type: any SampleOrder.Type)] = [
            (OrderVariants.Plain.self, Plain.self),
            (OrderVariants.Declared.self, Plain.self),
            (OrderVariants.Timed.self, Timed.self),
            (OrderVariants.Dated.self, Dated.self),
            (OrderVariants.DeclaredDated.self, Dated.self),
            (OrderVariants.Derived.self, Derived.self),
            (OrderVariants.ConditionalDerived.self, ConditionalDerived.self),
            (OrderVariants.OtherIndexKey.self, OtherIndexKey.self),
            (OrderVariants.FewerStatuses.self, FewerStatuses.self),
            (OrderVariants.RenamedStatus.self, RenamedStatus.self),
            (OrderVariants.UnusedRegion.self, UnusedRegion.self),
            (OrderVariants.RenamedRegion.self, RenamedRegion.self),
            (OrderVariants.WrongTableKey.self, WrongTableKey.self),
            (OrderVariants.WrongIndexKey.self, WrongIndexKey.self),
            (OrderVariants.ReplacedField.self, ReplacedField.self),
            (OrderVariants.WrongDerived.self, WrongDerived.self),
            (OrderVariants.WrongCopy.self, WrongCopy.self),
            (OrderVariants.WrongSize.self, WrongSize.self),
            (OrderVariants.WrongCondition.self, WrongCondition.self),
            (OrderVariants.DerivedOfDerived.self, DerivedOfDerived.self),
            (OrderVariants.DerivedField.self, DerivedField.self),
            (OrderVariants.DerivedKey.self, DerivedKey.self),
            (OrderVariants.WrongSeal.self, WrongSeal.self),
        ]

        /// The order of a variant.
        static func type(_ variant: any OrderVariant.Type) -> any SampleOrder.Type {
            for known in types where ObjectIdentifier(known.variant) == ObjectIdentifier(variant) {
                return known.type
            }
            preconditionFailure("The macro has no order of the variant \(variant).")
        }

        // MARK: Sound definitions

        @Entity("order", table: "main", keys: OrderVariants.keys)
        struct Plain: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.keys)
        struct Timed: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds? = OrderVariants.Timed.expiry

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.keys)
        struct Dated: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: Date? = OrderVariants.Dated.expiry

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.Derived.derived)
        struct Derived: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.ConditionalDerived.derived)
        struct ConditionalDerived: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.OtherIndexKey.keys)
        struct OtherIndexKey: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.keys)
        struct FewerStatuses: SampleOrder {
            enum Status: String, CaseIterable, AttributeConvertible { case held, open }

            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: Status = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.keys)
        struct RenamedStatus: SampleOrder {
            enum Status: String, CaseIterable, AttributeConvertible { case done, open, paused }

            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: Status = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.UnusedRegion.keys)
        struct UnusedRegion: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.RenamedRegion.keys)
        struct RenamedRegion: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var area: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        // MARK: Definitions with a mistake

        @Entity("order", table: "main", keys: OrderVariants.WrongTableKey.keys)
        struct WrongTableKey: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.WrongIndexKey.keys)
        struct WrongIndexKey: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity("order", table: "main", keys: OrderVariants.ReplacedField.keys)
        struct ReplacedField: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.WrongDerived.derived)
        struct WrongDerived: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.WrongCopy.derived)
        struct WrongCopy: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.WrongSize.derived)
        struct WrongSize: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.WrongCondition.derived)
        struct WrongCondition: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.DerivedOfDerived.derived)
        struct DerivedOfDerived: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.DerivedField.derived)
        struct DerivedField: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            derived: OrderVariants.DerivedKey.derived)
        struct DerivedKey: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }

        @Entity(
            "order", table: "main", keys: OrderVariants.keys,
            sealed: OrderVariants.WrongSeal.sealed)
        struct WrongSeal: SampleOrder {
            var siteID: UUID = OrderVariants.site
            var number: Int
            var status: OrderStatus = .open
            var region: String? = "north"
            var labels: [String] = ["a", "b"]
            var total: Decimal? = Decimal(string: "12.50")
            var expires: EpochSeconds?

            init(number: Int) { self.number = number }
        }
    }
#else
    /// Without the trait, there are no such orders, and ``EntityWay/allCases`` lacks their way.
    enum MacroOrders {
        static func type(_ variant: any OrderVariant.Type) -> any SampleOrder.Type {
            preconditionFailure("The macro needs the trait Macros.")
        }
    }
#endif
