//! Pictures for the demo's goods, drawn by this program: the same ones each time, small, and quick.
//!
//! A picture is a few shapes on a soft ground. They are drawn large and made smaller once, which
//! rounds their edges.

use image::{DynamicImage, RgbImage, imageops::FilterType};

/// How wide and high a picture is.
const SIDE: u32 = 240;
/// How wide and high it is drawn.
const DRAWN: u32 = 2 * SIDE;

type Colour = [u8; 3];

/// A shape, in hundredths of the picture.
enum Shape {
    /// Middle, and how far it reaches from there.
    Round { x: f32, y: f32, wide: f32, high: f32, colour: Colour },
    /// Left, top, width, height, and the roundness of its corners.
    Block { x: f32, y: f32, wide: f32, high: f32, corner: f32, colour: Colour },
}

const fn round(x: f32, y: f32, wide: f32, high: f32, colour: Colour) -> Shape {
    Shape::Round { x, y, wide, high, colour }
}

const fn block(x: f32, y: f32, wide: f32, high: f32, corner: f32, colour: Colour) -> Shape {
    Shape::Block { x, y, wide, high, corner, colour }
}

const WHITE: Colour = [250, 250, 247];
const CREAM: Colour = [245, 234, 206];
const LEAF: Colour = [78, 140, 62];
const STEM: Colour = [110, 78, 50];
const INK: Colour = [38, 42, 54];
const STEEL: Colour = [150, 158, 172];
const GLASS: Colour = [120, 170, 214];

/// What goods are recognised by, where a word of their address says it.
const BY_WORD: &[(&str, Colour)] = &[
    ("mango", [243, 166, 32]),
    ("banana", [244, 214, 66]),
    ("apple", [200, 48, 44]),
    ("pomegranate", [178, 34, 52]),
    ("papaya", [240, 140, 62]),
    ("watermelon", [52, 138, 66]),
    ("lime", [166, 200, 70]),
    ("grapes", [146, 188, 84]),
    ("coconut", [110, 168, 78]),
    ("tomato", [216, 58, 42]),
    ("onion", [164, 84, 122]),
    ("potato", [200, 164, 106]),
    ("carrot", [238, 126, 36]),
    ("cauliflower", [240, 234, 216]),
    ("ginger", [216, 178, 122]),
    ("mushroom", [230, 220, 200]),
    ("butter", [246, 220, 120]),
    ("ghee", [240, 196, 72]),
    ("brown-eggs", [190, 130, 84]),
    ("ragi", [140, 92, 74]),
    ("moong", [206, 190, 84]),
    ("toor", [228, 180, 70]),
    ("chana", [222, 168, 60]),
    ("rajma", [140, 52, 48]),
    ("urad", [70, 66, 64]),
    ("turmeric", [232, 176, 36]),
    ("chilli", [186, 40, 32]),
    ("coffee", [92, 58, 40]),
    ("tea", [176, 96, 40]),
    ("sugarcane", [196, 206, 120]),
];

/// The colours of goods that come in any: which one follows from their address.
const ANY: [Colour; 6] = [[58, 92, 170], [40, 44, 58], [176, 62, 74], [44, 128, 118], [120, 86, 168], [206, 140, 58]];

/// A picture of goods of a category, which their address varies.
pub fn picture(category: &str, slug: &str) -> RgbImage {
    let pick = slug.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let any = ANY.into_iter().nth(pick % ANY.len()).unwrap_or(INK);
    let named = BY_WORD.iter().find(|(word, _)| slug.contains(word)).map(|(_, colour)| *colour);
    let colour = named.unwrap_or(any);
    let mut canvas = ground(colour);
    for shape in shapes(category, slug, colour, named.unwrap_or(LEAF)) {
        draw(&mut canvas, &shape);
    }
    // The crate's own code is made fast also where this program's is not.
    DynamicImage::ImageRgb8(canvas).resize_exact(SIDE, SIDE, FilterType::Triangle).into_rgb8()
}

/// `colour` with so many hundredths of `other` in it.
fn mixed(colour: Colour, other: Colour, hundredths: u16) -> Colour {
    let part = |one: u8, other: u8| {
        let sum = u16::from(one) * (100 - hundredths) + u16::from(other) * hundredths;
        u8::try_from(sum / 100).unwrap_or(u8::MAX)
    };
    let ([r, g, b], [x, y, z]) = (colour, other);
    [part(r, x), part(g, y), part(b, z)]
}

/// A soft ground of the goods' own colour, and their shadow on it.
fn ground(colour: Colour) -> RgbImage {
    let mut canvas = RgbImage::new(DRAWN, DRAWN);
    draw(&mut canvas, &block(0.0, 0.0, 100.0, 72.0, 0.0, mixed(WHITE, colour, 10)));
    draw(&mut canvas, &block(0.0, 72.0, 100.0, 28.0, 0.0, mixed(WHITE, colour, 18)));
    draw(&mut canvas, &round(50.0, 82.0, 34.0, 6.0, mixed(WHITE, mixed(colour, INK, 50), 30)));
    canvas
}

/// The shapes of goods: by their category, and by what their address says they are.
fn shapes(category: &str, slug: &str, colour: Colour, green: Colour) -> Vec<Shape> {
    let light = mixed(colour, WHITE, 35);
    let dark = mixed(colour, INK, 30);
    let has = |word: &str| slug.contains(word);
    match category {
        _ if has("grapes") => {
            let berries = [(50, 34), (40, 42), (60, 42), (34, 52), (50, 52), (66, 52), (42, 62), (58, 62), (50, 72)];
            let berry = |(x, y): (u8, u8)| {
                [round(x.into(), y.into(), 9.0, 9.0, colour), round(f32::from(x) - 3.0, f32::from(y) - 3.0, 2.5, 2.5, light)]
            };
            std::iter::once(block(48.5, 16.0, 3.0, 14.0, 1.0, STEM)).chain(berries.into_iter().flat_map(berry)).collect()
        }
        _ if has("eggs") => [(30.0, 62.0), (50.0, 58.0), (70.0, 62.0)]
            .into_iter()
            .flat_map(|(x, y)| {
                [
                    round(x, y, 13.0, 17.0, mixed(colour, if has("brown") { CREAM } else { WHITE }, if has("brown") { 20 } else { 88 })),
                    round(x - 4.0, y - 6.0, 3.0, 4.0, WHITE),
                ]
            })
            .collect(),
        "fresh-fruits" | "vegetables" => vec![
            block(48.5, 18.0, 3.0, 16.0, 1.0, STEM),
            round(60.0, 25.0, 11.0, 5.0, LEAF),
            round(50.0, 56.0, 28.0, 26.0, colour),
            round(54.0, 62.0, 22.0, 18.0, mixed(colour, dark, 25)),
            round(39.0, 46.0, 7.0, 6.0, light),
        ],
        "leafy-herbs" => [(32.0, 52.0), (44.0, 40.0), (56.0, 40.0), (68.0, 52.0), (50.0, 54.0)]
            .into_iter()
            .flat_map(|(x, y)| {
                [
                    block(x - 1.0, y, 2.0, 30.0, 1.0, mixed(green, WHITE, 30)),
                    round(x, y, 10.0, 15.0, green),
                    round(x - 2.0, y - 4.0, 3.0, 6.0, mixed(green, WHITE, 30)),
                ]
            })
            .collect(),
        "dairy" if has("milk") => vec![
            block(34.0, 30.0, 32.0, 52.0, 3.0, WHITE),
            block(38.0, 20.0, 24.0, 14.0, 2.0, mixed(colour, WHITE, 20)),
            block(34.0, 46.0, 32.0, 18.0, 0.0, colour),
            round(50.0, 55.0, 6.0, 6.0, WHITE),
        ],
        "dairy" => {
            vec![round(50.0, 70.0, 27.0, 11.0, dark), block(23.0, 48.0, 54.0, 22.0, 4.0, colour), round(50.0, 48.0, 27.0, 9.0, CREAM)]
        }
        "bread-eggs" => vec![
            block(24.0, 46.0, 52.0, 36.0, 6.0, [196, 138, 74]),
            round(37.0, 46.0, 15.0, 13.0, [210, 152, 86]),
            round(63.0, 46.0, 15.0, 13.0, [210, 152, 86]),
            block(30.0, 52.0, 40.0, 24.0, 4.0, CREAM),
        ],
        "atta-rice" | "dals" => vec![
            block(29.0, 24.0, 42.0, 58.0, 8.0, CREAM),
            block(34.0, 20.0, 32.0, 9.0, 3.0, mixed(CREAM, STEM, 30)),
            block(29.0, 42.0, 42.0, 20.0, 0.0, colour),
            round(50.0, 52.0, 7.0, 7.0, light),
        ],
        "oils-spices" if has("oil") => vec![
            block(44.0, 14.0, 12.0, 9.0, 2.0, dark),
            block(45.0, 22.0, 10.0, 14.0, 1.0, [240, 200, 84]),
            block(34.0, 34.0, 32.0, 48.0, 7.0, [240, 200, 84]),
            block(34.0, 50.0, 32.0, 18.0, 0.0, WHITE),
            round(50.0, 59.0, 6.0, 6.0, colour),
        ],
        "oils-spices" | "snacks" => vec![
            block(28.0, 24.0, 44.0, 58.0, 3.0, colour),
            block(28.0, 24.0, 44.0, 6.0, 1.0, dark),
            block(28.0, 76.0, 44.0, 6.0, 1.0, dark),
            round(50.0, 50.0, 15.0, 13.0, light),
            round(50.0, 50.0, 8.0, 7.0, WHITE),
        ],
        "beverages" => vec![
            block(68.0, 44.0, 14.0, 20.0, 8.0, STEEL),
            block(68.0, 48.0, 9.0, 12.0, 5.0, WHITE),
            block(30.0, 36.0, 40.0, 46.0, 8.0, WHITE),
            round(50.0, 38.0, 19.0, 6.0, colour),
        ],
        "smartphones" => vec![
            block(34.0, 14.0, 32.0, 68.0, 5.0, INK),
            block(36.0, 17.0, 28.0, 62.0, 3.0, colour),
            round(50.0, 60.0, 20.0, 12.0, light),
            round(50.0, 20.0, 1.4, 1.4, INK),
        ],
        "smartwatches" => vec![
            block(41.0, 12.0, 18.0, 72.0, 4.0, dark),
            block(33.0, 30.0, 34.0, 36.0, 9.0, INK),
            block(36.0, 33.0, 28.0, 30.0, 7.0, colour),
            round(50.0, 48.0, 8.0, 8.0, light),
        ],
        "laptops-tablets" => vec![
            block(24.0, 24.0, 52.0, 42.0, 3.0, INK),
            block(26.5, 26.5, 47.0, 36.0, 1.0, colour),
            round(62.0, 54.0, 14.0, 9.0, light),
            block(16.0, 66.0, 68.0, 6.0, 3.0, STEEL),
        ],
        "monitors" => vec![
            block(46.0, 62.0, 8.0, 16.0, 0.0, STEEL),
            block(34.0, 76.0, 32.0, 4.0, 2.0, STEEL),
            block(14.0, 22.0, 72.0, 44.0, 2.0, INK),
            block(16.0, 24.0, 68.0, 39.0, 1.0, colour),
            round(66.0, 52.0, 17.0, 10.0, light),
        ],
        "storage" => vec![
            block(28.0, 34.0, 44.0, 46.0, 5.0, dark),
            block(31.0, 37.0, 38.0, 22.0, 2.0, colour),
            block(36.0, 66.0, 28.0, 3.0, 1.0, light),
            round(64.0, 73.0, 1.8, 1.8, [110, 214, 130]),
        ],
        "keyboards-mice" if has("mouse") => vec![
            round(50.0, 54.0, 19.0, 28.0, dark),
            round(50.0, 52.0, 17.0, 25.0, colour),
            block(49.2, 27.0, 1.6, 20.0, 0.5, dark),
            block(47.5, 34.0, 5.0, 9.0, 2.5, light),
        ],
        "keyboards-mice" => {
            let keys = (0..4_u8).flat_map(|row| (0..9_u8).map(move |column| (row, column)));
            let key = |(row, column): (u8, u8)| block(18.5 + 7.1 * f32::from(column), 47.0 + 7.0 * f32::from(row), 5.8, 5.6, 1.0, light);
            [block(14.0, 43.0, 72.0, 35.0, 4.0, INK), block(15.5, 44.5, 69.0, 32.0, 3.0, colour)].into_iter().chain(keys.map(key)).collect()
        }
        "headphones" => vec![
            round(50.0, 48.0, 29.0, 31.0, dark),
            round(50.0, 50.0, 25.0, 28.0, mixed(WHITE, colour, 12)),
            block(17.0, 46.0, 14.0, 32.0, 6.0, colour),
            block(69.0, 46.0, 14.0, 32.0, 6.0, colour),
        ],
        "speakers" => vec![
            block(30.0, 18.0, 40.0, 64.0, 7.0, dark),
            round(50.0, 34.0, 9.0, 9.0, light),
            round(50.0, 60.0, 15.0, 15.0, light),
            round(50.0, 60.0, 7.0, 7.0, INK),
        ],
        "networking" => vec![
            block(28.0, 20.0, 3.0, 40.0, 1.5, INK),
            block(69.0, 20.0, 3.0, 40.0, 1.5, INK),
            block(20.0, 56.0, 60.0, 22.0, 5.0, colour),
            round(30.0, 67.0, 2.0, 2.0, [110, 214, 130]),
            round(37.0, 67.0, 2.0, 2.0, [110, 214, 130]),
            round(44.0, 67.0, 2.0, 2.0, GLASS),
        ],
        _ => vec![
            block(46.0, 14.0, 3.0, 16.0, 1.0, STEEL),
            block(54.0, 14.0, 3.0, 16.0, 1.0, STEEL),
            block(34.0, 28.0, 35.0, 44.0, 6.0, colour),
            block(48.0, 72.0, 6.0, 12.0, 3.0, dark),
            round(51.0, 48.0, 7.0, 9.0, light),
        ],
    }
}

/// Fills a shape row by row.
fn draw(canvas: &mut RgbImage, shape: &Shape) {
    let unit = f32::from(u16::try_from(DRAWN).unwrap_or(u16::MAX)) / 100.0;
    let (top, height, colour) = match shape {
        Shape::Round { y, high, colour, .. } => ((y - high) * unit, 2.0 * high * unit, *colour),
        Shape::Block { y, high, colour, .. } => (y * unit, high * unit, *colour),
    };
    let ink = colour.repeat(usize::try_from(DRAWN).unwrap_or_default());
    for row in pixel(top)..pixel(top + height) {
        let at = (f32::from(u16::try_from(row).unwrap_or(u16::MAX)) + 0.5 - top) / height;
        let (left, right) = span(shape, at);
        let (left, right) = (pixel(left * unit), pixel(right * unit));
        let start = 3 * usize::try_from(row * DRAWN + left).unwrap_or(usize::MAX);
        let end = 3 * usize::try_from(row * DRAWN + right).unwrap_or(0);
        let (Some(line), Some(ink)) = (canvas.get_mut(start..end), ink.get(..end.saturating_sub(start))) else { continue };
        line.copy_from_slice(ink);
    }
}

/// From where to where a shape reaches at a share of its height.
fn span(shape: &Shape, at: f32) -> (f32, f32) {
    match *shape {
        Shape::Round { x, wide, .. } => {
            let reach = wide * (1.0 - (2.0 * at - 1.0).powi(2)).max(0.0).sqrt();
            (x - reach, x + reach)
        }
        Shape::Block { x, wide, high, corner, .. } => {
            // How deep the row lies in the round of a corner.
            let edge = (at * high).min((1.0 - at) * high);
            let deep = (corner - edge).max(0.0);
            let inset = corner - (corner.powi(2) - deep.powi(2)).max(0.0).sqrt();
            (x + inset, x + wide - inset)
        }
    }
}

/// A place on the canvas as a whole pixel of it.
fn pixel(at: f32) -> u32 {
    // Between nothing and the side, so it fits.
    at.round().clamp(0.0, 480.0) as u32
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn a_picture_is_the_same_each_time_and_another_for_other_goods() {
        let mango = picture("fresh-fruits", "alphonso-mango");
        assert_eq!(mango, picture("fresh-fruits", "alphonso-mango"));
        assert_ne!(mango, picture("fresh-fruits", "apple-shimla"));
        assert_ne!(picture("smartphones", "orbiq-z3"), picture("monitors", "orbiq-z3"));
        assert_eq!((mango.width(), mango.height()), (240, 240));
    }
}
