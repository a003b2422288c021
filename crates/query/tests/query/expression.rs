use exuvia_query::{Condition, Expression, Field, FieldForm, Literal, Operator, Test};
use proptest::prelude::*;

fn parsed(text: &str) -> Expression {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn condition(field: Field, test: Test) -> Expression {
    Expression::Condition(Condition { field, test })
}

fn compares(field: Field, operator: Operator, literal: Literal) -> Expression {
    condition(field, Test::Compares(operator, literal))
}

/// The whole message of a wrong expression.
fn refused(text: &str) -> String {
    text.parse::<Expression>().unwrap_err().to_string()
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    let (a, b, c) = (
        condition(Field::Tracked, Test::Holds),
        condition(Field::Immortal, Test::Holds),
        condition(Field::Static, Test::Holds),
    );
    let not = |inner: &Expression| Expression::Not(Box::new(inner.clone()));
    let (and, or) = (Expression::And, Expression::Or);
    let two = |a: &Expression, b: &Expression| vec![a.clone(), b.clone()];
    for (text, expected) in [
        (
            "tracked or immortal and static",
            or(two(&a, &and(two(&b, &c)))),
        ),
        (
            "(tracked or immortal) and static",
            and(two(&or(two(&a, &b)), &c)),
        ),
        ("not tracked and static", and(two(&not(&a), &c))),
        ("not (tracked and static)", not(&and(two(&a, &c)))),
        ("not not tracked", not(&not(&a))),
        ("Tracked AND Static", and(two(&a, &c))),
        (
            "tracked and immortal and static",
            and(vec![a.clone(), b, c.clone()]),
        ),
    ] {
        assert_eq!(parsed(text), expected, "{text}");
    }
}

#[test]
fn bytes_have_units_and_addresses_are_hexadecimal() {
    for (text, bytes) in [
        ("size > 1 MB", 1_000_000),
        ("size > 1MiB", 1_048_576),
        ("size > 1.5 kB", 1500),
        ("size > 2 b", 2),
        ("size > 1_000", 1000),
        ("size > 0x10", 16),
    ] {
        let expected = compares(Field::Size, Operator::Greater, Literal::Integer(bytes));
        assert_eq!(parsed(text), expected, "{text}");
    }
    let expected = compares(
        Field::Address,
        Operator::Equal,
        Literal::Integer(0x7f3a_5c0d_1e40),
    );
    assert_eq!(parsed("address = 0x7f3a5c0d1e40"), expected);
    let expected = compares(Field::Value, Operator::LessOrEqual, Literal::Decimal(-0.5));
    assert_eq!(parsed("value <= -0.5"), expected);
}

#[test]
fn texts_have_either_quotes_and_escapes() {
    let is = |text: &str| compares(Field::Kind, Operator::Equal, Literal::Text(text.to_owned()));
    assert_eq!(parsed(r#"kind = "it's""#), is("it's"));
    assert_eq!(parsed(r"kind == 'it\'s\n\\'"), is("it's\n\\"));
    let not_in = parsed("kind not in ('str', \"int\")");
    let texts = ["str", "int"].map(|text| Literal::Text(text.to_owned()));
    let inside = condition(Field::Kind, Test::In(texts.to_vec()));
    assert_eq!(not_in, Expression::Not(Box::new(inside)));
}

#[test]
fn errors_point_at_the_place_and_say_what_is_expected() {
    for (text, expected) in [
        (
            "size >",
            "a number is expected here: 4096, 1 MB, 1 MiB\n  size >\n        ^",
        ),
        (
            "size > 1 MBB",
            "no unit of bytes is called so: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB\n  \
             size > 1 MBB\n           ^^^",
        ),
        (
            "kind = str",
            "a text in quotes is expected here: 'str'\n  kind = str\n         ^^^",
        ),
        (
            "kind ~ 'a'",
            "'~' is not of this language\n  kind ~ 'a'\n       ^",
        ),
        (
            "tracked = 1",
            "'tracked' is true or false by itself: write 'tracked' or 'not tracked'\n  \
             tracked = 1\n          ^",
        ),
        (
            "kind < 'a'",
            "'kind' is text, which =, !=, in, contains and like look at\n  \
             kind < 'a'\n       ^",
        ),
        (
            "size contains 'a'",
            "=, !=, <, <=, >, >= or in is expected here\n  size contains 'a'\n       ^^^^^^^^",
        ),
        (
            "",
            "a field, 'not' or '(' is expected here: size, kind, …\n  \n  ^",
        ),
        (
            "(tracked",
            "')', 'and' or 'or' is expected here\n  (tracked\n          ^",
        ),
        (
            "tracked)",
            "no parenthesis is open here\n  tracked)\n         ^",
        ),
        (
            "tracked static",
            "'and' or 'or' is expected here, or the end\n  tracked static\n          ^^^^^^",
        ),
        (
            "value = 'é\u{1b}' x",
            "'and' or 'or' is expected here, or the end\n  value = 'é ' x\n               ^",
        ),
        (
            "size = 9999999999999999999999999999999999999999",
            "this number is too large\n  size = 9999999999999999999999999999999999999999\n         \
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
        ),
    ] {
        assert_eq!(refused(text), expected);
    }
    let message = refused("kind = 'abc");
    assert!(
        message.ends_with("\n  kind = 'abc\n         ^^^^"),
        "{message}"
    );
    assert!(
        refused("adress = 1").starts_with("no field is called 'adress'; the closest are address")
    );
    assert!(refused("zzz = 1").contains("the fields are kind, type, module"));
}

#[test]
fn deep_nesting_is_refused() {
    for opening in ["(", "not "] {
        let text = format!("{}tracked", opening.repeat(100_000));
        assert!(refused(&text).starts_with("this is nested more than 64 deep"));
    }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![".{0,8}", "['\"\\\\\n\r\t*?a-c]{0,6}"]
}

fn numbers() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<i64>().prop_map(|number| Literal::Integer(number.into())),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Literal::Decimal),
    ]
}

fn literals(form: FieldForm) -> BoxedStrategy<Literal> {
    match form {
        FieldForm::Text => texts().prop_map(Literal::Text).boxed(),
        FieldForm::Value => prop_oneof![numbers(), texts().prop_map(Literal::Text)].boxed(),
        _ => numbers().boxed(),
    }
}

fn conditions() -> impl Strategy<Value = Expression> {
    let operators = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
    ];
    let field = prop::sample::select(Field::ALL.to_vec());
    field.prop_flat_map(move |field| {
        let form = field.form();
        let usable = if form == FieldForm::Text { 2 } else { 6 };
        let operator = prop::sample::select(operators[..usable].to_vec());
        let compares =
            (operator, literals(form)).prop_map(|(operator, one)| Test::Compares(operator, one));
        let list = prop::collection::vec(literals(form), 1..4).prop_map(Test::In);
        let test = match form {
            FieldForm::Flag => Just(Test::Holds).boxed(),
            FieldForm::Text | FieldForm::Value => prop_oneof![
                compares,
                list,
                texts().prop_map(Test::Contains),
                texts().prop_map(Test::Like)
            ]
            .boxed(),
            _ => prop_oneof![compares, list].boxed(),
        };
        test.prop_map(move |test| Expression::Condition(Condition { field, test }))
    })
}

fn expressions() -> impl Strategy<Value = Expression> {
    conditions().prop_recursive(5, 24, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(|inner| Expression::Not(Box::new(inner))),
            some.clone().prop_map(Expression::And),
            some.prop_map(Expression::Or),
        ]
    })
}

/// Pieces of the language in any order, which come farther than random characters.
fn nearly() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "size", "kind", "value", "tracked", "and", "or", "not", "in", "like", "contains", "(", ")",
        ",", "=", "!=", "<", ">=", "1", "-2.5", "0x1f", "MB", "'a'", "\"", "'", "\\", " ", "é",
        "_",
    ]);
    prop::collection::vec(pieces, 0..16).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn what_is_printed_is_read_again(expression in expressions()) {
        let text = expression.to_string();
        prop_assert_eq!(text.parse::<Expression>().map_err(|error| error.to_string()), Ok(expression));
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(text in prop_oneof![".{0,40}", nearly()]) {
        if let Err(error) = text.parse::<Expression>() {
            prop_assert!(error.at.start <= error.at.end && error.at.end <= text.len());
            prop_assert!(text.get(error.at.clone()).is_some());
            prop_assert_eq!(error.to_string().lines().count() >= 3, true);
        }
    }
}
