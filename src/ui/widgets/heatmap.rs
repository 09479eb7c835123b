//! Many small things on one screen, in groups: where each one's cell is, and
//! how a cursor moves among them.

/// A row of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapRow {
    /// The heading of that group.
    Heading(usize),
    /// `len` things from number `first` on (numbers run through all groups).
    Cells {
        /// The first thing's number.
        first: usize,
        /// How many there are in this row.
        len: usize,
    },
}

/// Columns of a cell where there is much room: a letter and a number.
pub const WIDEST: u16 = 4;

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    rows: Vec<MapRow>,
    per_row: usize,
    /// Columns that a thing takes: with a gap, and one where it is tight.
    pub cell: u16,
}

impl Map {
    /// A map of groups of those sizes on `width` columns; cells have a gap
    /// between them where all rows then fit into `height` rows.
    #[must_use]
    pub fn new(sizes: &[usize], width: u16, height: u16) -> Self {
        let roomy = (2..=WIDEST).rev().map(|cell| Self::with_cell(sizes, width, cell));
        roomy.into_iter().find(|m| m.rows.len() <= usize::from(height)).unwrap_or_else(|| Self::with_cell(sizes, width, 1))
    }

    fn with_cell(sizes: &[usize], width: u16, cell: u16) -> Self {
        let mut per_row = usize::from(width.div_ceil(cell)).max(1);
        // Round numbers are easier to count.
        if per_row > 10 {
            per_row -= per_row % 10;
        }
        let mut rows = Vec::new();
        let mut first = 0;
        for (g, size) in sizes.iter().enumerate().filter(|(_, n)| **n > 0) {
            rows.push(MapRow::Heading(g));
            let end = first + size;
            while first < end {
                let len = per_row.min(end - first);
                rows.push(MapRow::Cells { first, len });
                first += len;
            }
        }
        Self { rows, per_row, cell }
    }

    /// Its rows from top to bottom.
    #[must_use]
    pub fn rows(&self) -> &[MapRow] {
        &self.rows
    }

    /// How many things are in all groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.iter().map(|r| if let MapRow::Cells { len, .. } = r { *len } else { 0 }).sum()
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Row and place within the row of thing `n`.
    #[must_use]
    pub fn find(&self, n: usize) -> Option<(usize, usize)> {
        self.rows.iter().enumerate().find_map(|(y, r)| match r {
            MapRow::Cells { first, len } if (*first..first + len).contains(&n) => Some((y, n - first)),
            _ => None,
        })
    }

    /// The thing at column `x` of row `y`.
    #[must_use]
    pub fn at(&self, x: u16, y: usize) -> Option<usize> {
        match self.rows.get(y)? {
            MapRow::Cells { first, len } => Some(usize::from(x / self.cell)).filter(|i| i < len).map(|i| first + i),
            MapRow::Heading(_) => None,
        }
    }

    /// The thing that is `dy` rows of things below thing `n` (above, when
    /// negative), in the same column or the row's last.
    #[must_use]
    pub fn down(&self, n: usize, dy: i64) -> usize {
        let Some((y, x)) = self.find(n) else { return 0 };
        let lines: Vec<(usize, usize)> =
            self.rows[..].iter().filter_map(|r| if let MapRow::Cells { first, len } = r { Some((*first, *len)) } else { None }).collect();
        let before = self.rows[..y].iter().filter(|r| matches!(r, MapRow::Cells { .. })).count();
        let last = lines.len().saturating_sub(1);
        let to = i64::try_from(before).unwrap_or(i64::MAX).saturating_add(dy).max(0);
        let to = usize::try_from(to).unwrap_or(usize::MAX).min(last);
        let (first, len) = lines[to];
        first + x.min(len - 1)
    }

    /// How many things a full row has.
    #[must_use]
    pub const fn per_row(&self) -> usize {
        self.per_row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_where_they_are() {
        use MapRow::{Cells, Heading};
        let m = Map::new(&[3, 0, 25], 20, 6);
        let want = [
            Heading(0),
            Cells { first: 0, len: 3 },
            Heading(2),
            Cells { first: 3, len: 10 },
            Cells { first: 13, len: 10 },
            Cells { first: 23, len: 5 },
        ];
        assert_eq!((m.rows(), m.cell, m.len()), (&want[..], 2, 28));
        assert_eq!((m.find(14), m.at(2, 4), m.at(3, 4), m.at(0, 0)), (Some((4, 1)), Some(14), Some(14), None));
        assert_eq!((m.down(2, 1), m.down(12, 2), m.down(27, -9), m.down(0, i64::MIN), m.down(0, i64::MAX)), (5, 27, 2, 0, 23));
    }

    #[test]
    fn two_thousand_fit_on_one_screen() {
        let m = Map::new(&[20, 1970, 10], 118, 30);
        assert!(m.rows().len() <= 30 && m.cell == 1, "{}", m.rows().len());
        for w in 0..5 {
            let m = Map::new(&[5, 5], w, 0);
            assert_eq!(m.len(), 10);
            assert!((0..10).all(|n| m.find(n).is_some()));
        }
    }
}
