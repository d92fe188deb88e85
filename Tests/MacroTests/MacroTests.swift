#if Macros
    import CodexCore
    import Foundation
    import TestSupport
    import Testing

    /// Types that the macro made entities, beside the same by hand and by `Codable`.
    @Suite("Entities by the macro")
    struct MacroTests {
        private static func machine(_ random: inout SplitMix) -> Machine {
            func date(_ random: inout SplitMix) -> Date {
                Date(timeIntervalSince1970: Double(random.below(2_000_000_000)) / 8)
            }
            var machine = Machine(
                siteID: UUID(), number: random.below(1000), name: "m\(random.below(10))",
                status: random.pick(Machine.Status.allCases), level: random.pick([.low, .high]),
                isRented: random.chance(50), boughtAt: date(&random),
                labels: (0..<random.below(4)).map { "label \($0)" })
            if random.chance(50) { machine.kind = random.pick(Machine.Kind.allCases) }
            if random.chance(50) { machine.tons = Double(random.below(100)) / 8 }
            if random.chance(50) { machine.checkedAt = date(&random) }
            if random.chance(50) { machine.nextCheck = CalendarDay(date(&random)) }
            if random.chance(50) { machine.price = Number(random.below(100_000)) }
            if random.chance(50) { machine.places = [Machine.Place(hall: "A")] }
            if random.chance(50) { machine.photo = Data([1, 2, UInt8(random.below(256))]) }
            if random.chance(50) { machine.metadata = ["a": 1, "b": ["c": "d"]] }
            return machine
        }

        private static let crate = Crate(
            id: "c1", parts: [Part(name: "nut", count: 2), Part(name: "bolt", count: 1)],
            partsByShelf: ["s": Part(name: "pin", count: 3)], unit: .kilogram, weight: 1.5,
            best: Part(name: "nut", count: 2), tags: ["x", "y", "z"], size: [1, 2],
            until: EpochSeconds(seconds: 5))

        private func failure<E: Entity>(_ type: E.Type, _ item: Item) -> CodexError? {
            do throws(CodexError) {
                _ = try E(item: item)
                return nil
            } catch {
                return error
            }
        }

        private func failure(_ entity: some Entity) -> CodexError? {
            do throws(CodexError) {
                _ = try entity.item()
                return nil
            } catch {
                return error
            }
        }

        // MARK: By hand

        @Test("The definition is the one that is written by hand")
        func definition() {
            #expect(Machine.definition == HandMachine.definition)
        }

        @Test("Items and values are those of the type that is written by hand")
        func conversions() throws {
            let seed = UInt64.random(in: 0...999_999)
            var random = SplitMix(seed: seed)
            for _ in 0..<200 {
                let machine = Self.machine(&random)
                let item = try machine.item()
                #expect(try item == HandMachine(machine).item(), "seed \(seed)")
                #expect(try Machine(item: item) == machine, "seed \(seed)")
                #expect(try HandMachine(item: item) == HandMachine(machine), "seed \(seed)")
            }
        }

        @Test("A property that is left out has its default value")
        func transient() throws {
            var random = SplitMix(seed: 1)
            var machine = Self.machine(&random)
            machine.isSelected = true
            let item = try machine.item()
            #expect(item["isSelected"] == nil)
            #expect(try Machine(item: item).isSelected == false)
        }

        /// A value of another type than the field's, and one of its type that does not fit.
        private static func wrongValues(_ field: FieldDefinition) -> [AttributeValue] {
            switch field.type {
            case .string: field.name == "name" ? [1] : [1, "?"]
            case .number: field.name == "number" || field.name == "level" ? ["a", 2.5] : ["a"]
            case .bool: ["a"]
            default: [.bool(true)]
            }
        }

        @Test(
            "Errors of missing and wrong attributes are those of the type that is written by hand",
            arguments: HandMachine.Field.allCases)
        func errors(field: HandMachine.Field) throws {
            var random = SplitMix(seed: 7)
            let item = try Self.machine(&random).item()
            let definition = field.definition
            var lacking = item
            lacking[definition.name] = nil
            let missing = failure(Machine.self, lacking)
            #expect((missing == nil) == definition.isOptional)
            #expect(missing?.message == failure(HandMachine.self, lacking)?.message)
            #expect(missing?.attributePath == failure(HandMachine.self, lacking)?.attributePath)
            for value in Self.wrongValues(definition) {
                var wrong = item
                wrong[definition.name] = value
                let (error, byHand) = (
                    failure(Machine.self, wrong), failure(HandMachine.self, wrong)
                )
                #expect(error?.code == .typeMismatch)
                #expect(error?.attributePath == definition.name)
                #expect(byHand?.attributePath == definition.name)
                // The readers in place name the text, and say that it is no case.
                guard field != .kind, field != .boughtAt else { continue }
                #expect(error?.message == byHand?.message)
            }
        }

        @Test("An element of a list that does not fit is named with its index")
        func elements() throws {
            var random = SplitMix(seed: 3)
            var item = try Self.machine(&random).item()
            item["labels"] = ["a", 1]
            #expect(failure(Machine.self, item)?.attributePath == "labels[1]")
            item["labels"] = []
            item["places"] = [["hall": "A"], ["hall": "B"], ["hall": 1]]
            #expect(failure(Machine.self, item)?.attributePath == "places[2]")
        }

        @Test("A number that no item can have is refused with the field's name")
        func infinity() throws {
            var random = SplitMix(seed: 4)
            var machine = Self.machine(&random)
            for value in [Double.infinity, .nan] {
                machine.tons = value
                let error = failure(machine)
                #expect(error?.code == .invalidNumber)
                #expect(error?.attributePath == "weight")
            }
        }

        // MARK: Codable

        @Test("Items and values are those of the Codable type")
        func codable() throws {
            for hasOptionals in [true, false] {
                var crate = Self.crate
                if !hasOptionals { (crate.best, crate.until) = (nil, nil) }
                let item = try crate.item()
                #expect(try item == CodableCrate(crate).item())
                #expect(try Crate(item: item) == crate)
                #expect(try CodableCrate(item: item) == CodableCrate(crate))
            }
        }

        @Test("Fields of Codable types have the types that their attributes have")
        func codableDefinition() {
            #expect(
                Crate.definition.fields == [
                    .required("id", .string), .required("parts", .list),
                    .required("partsByShelf", .map), .required("unit", .string),
                    .required("weight", .number), .optional("best", .map),
                    .required("tags", .list), .required("size", .list),
                    .optional("until", .number),
                ])
        }

        @Test("Errors in nested values have the whole path")
        func nested() throws {
            var item = try Self.crate.item()
            item["parts"] = [["name": "nut", "count": 2], ["name": "bolt", "count": "one"]]
            #expect(failure(Crate.self, item)?.attributePath == "parts[1].count")
            #expect(
                failure(Crate.self, item)?.message == failure(CodableCrate.self, item)?.message)
            item["parts"] = []
            item["best"] = ["name": "nut"]
            #expect(failure(Crate.self, item)?.code == .missingAttribute)
            #expect(failure(Crate.self, item)?.attributePath == "best.count")
            item["best"] = nil
            item["unit"] = "ton"
            #expect(failure(Crate.self, item)?.code == .typeMismatch)
        }

        // MARK: Types of attributes

        @Test("Values that become another attribute than the given type are refused")
        func givenTypes() throws {
            let content = Anything(attributeValue: ["a": 1])
            let box = Box(id: "1", content: content)
            #expect(try Box(item: try box.item()) == box)
            #expect(
                Box.definition.fields == [
                    .required("id", .string), .required("content", .map),
                    .optional("parts", .list),
                ])
            let text = failure(Box(id: "1", content: Anything(attributeValue: "a")))
            #expect(text?.code == .typeMismatch)
            #expect(text?.attributePath == "content")
            let map = failure(Box(id: "1", content: content, part: Part(name: "a", count: 1)))
            #expect(map?.code == .typeMismatch)
            #expect(map?.attributePath == "parts")
        }

        @Test("A value that cannot be a part of a key is refused")
        func keys() {
            let error = failure(Box(id: "a#b", content: Anything(attributeValue: [:])))
            #expect(error?.code == .invalidIdentifier)
        }

        @Test("Fields have the types of the properties")
        func fields() {
            let number: Field<Machine, Int> = Machine.fields.number
            let tons: Field<Machine, Double> = Machine.fields.tons
            let kind: Field<Machine, Machine.Kind> = Machine.fields.kind
            let status: RawValueField<Machine, Machine.Status> = Machine.fields.status
            let unit: RawValueField<Crate, CountUnit> = Crate.fields.unit
            let best: OpaqueField<Crate> = Crate.fields.best
            let color: Field<Yard.Gate, Yard.Color> = Yard.Gate.fields.color
            #expect(
                [number.name, tons.name, kind.name, status.name, unit.name, best.name, color.name]
                    == ["number", "weight", "kind", "status", "unit", "best", "color"])
            let text = Attribute<String>("status")
            let conditions: [Condition] = [
                status == .broken, status != .broken, status.isOne(of: [.broken, .retired]),
                status.exists, best.doesNotExist,
            ]
            let expected: [Condition] = [
                text == "broken", text != "broken", text.isOne(of: ["broken", "retired"]),
                text.exists, .attributeNotExists("best"),
            ]
            #expect(conditions == expected)
        }

        @Test("A public entity inside of another type, with an initializer, is read and written")
        func inner() throws {
            let gate = Yard.Gate(id: "north", color: .green, code: 7)
            let item = try gate.item()
            #expect(
                item == [
                    "PK": "GATE#north", "SK": "GATE", "id": "north", "color": "green", "code": 7,
                ])
            #expect(try Yard.Gate(item: item) == gate)
        }
    }
#endif
