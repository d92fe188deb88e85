#if Macros
    import CodexCore
    import Foundation

    /// A machine on a site, made an entity by the macro. ``HandMachine`` is the same by hand.
    @Entity(
        "machine", table: "main", version: 2,
        keys: ["PK": "SITE#{siteID}", "SK": "MACHINE#{number}"],
        derived: [
            "brokenSite": .template("{siteID}", when: Attribute<String>("status") == "broken")
        ])
    struct Machine: Hashable {
        enum Status: String, StoredChoice {
            case working, broken, retired

            static let choices = Choices(allCases)
        }

        enum Kind: String, CaseIterable, AttributeConvertible { case crane, pump }

        enum Level: Int, AttributeConvertible { case low = 1, high = 3 }

        struct Place: Hashable, AttributeTyped {
            var hall: String

            init(hall: String) { self.hall = hall }

            static var attributeType: AttributeType { .map }
            var attributeValue: AttributeValue { ["hall": .string(hall)] }

            init?(attributeValue: AttributeValue) {
                guard let hall = attributeValue.map?["hall"]?.string else { return nil }
                self.hall = hall
            }
        }

        var siteID: UUID
        var number: Int
        var name: String
        var status: Status
        var kind: Kind?
        var level: Level
        @StoredAs("weight") var tons: Double?
        var isRented: Bool
        var boughtAt: Date
        var checkedAt: Date?
        var nextCheck: CalendarDay?
        var price: Number?
        var labels: [String]
        var places: [Place]?
        var photo: Data?
        var metadata: AttributeMap?
        @Transient var isSelected = false
    }

    extension Machine {
        static let broken: EntityIndex<Machine> = "broken"
    }
#endif
