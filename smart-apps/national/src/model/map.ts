/** A place with how much it reports. */
export interface Place {
  readonly id: string;
  readonly name: string;
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
  readonly count: number;
}

export interface MapPoint {
  readonly place: Place;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}
export interface MapLine {
  readonly at: number;
  /** Degrees. */
  readonly degrees: number;
}
export interface MapDrawing {
  readonly width: number;
  readonly height: number;
  readonly points: readonly MapPoint[];
  readonly meridians: readonly MapLine[];
  readonly parallels: readonly MapLine[];
}

const WIDTH = 640;
const MARGIN = 36;
const LARGEST = 22;

/**
 * Places on a plane: equirectangular about their middle, so that distances are right there; a circle's area is as large
 * as the count. Larger circles come first, so that no small one is covered.
 */
export function drawMap(places: readonly Place[]): MapDrawing {
  const latitudes = places.map(({ latitude }) => latitude);
  const longitudes = places.map(({ longitude }) => longitude);
  const [south, north] = bounds(latitudes);
  const [west, east] = bounds(longitudes);
  const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = (WIDTH - 2 * MARGIN) / ((east - west) * shrink);
  const height = Math.min(900, Math.round((north - south) * scale + 2 * MARGIN));
  const vertical = (height - 2 * MARGIN) / (north - south);
  const x = (longitude: number) => MARGIN + (longitude - west) * shrink * scale;
  const y = (latitude: number) => height - MARGIN - (latitude - south) * Math.min(scale, vertical);
  const most = Math.max(1, ...places.map(({ count }) => count));
  return {
    width: WIDTH,
    height,
    points: places
      .map((place) => ({
        place,
        x: x(place.longitude),
        y: y(place.latitude),
        radius: place.count === 0 ? 3 : Math.max(4, LARGEST * Math.sqrt(place.count / most)),
      }))
      .sort((a, b) => b.radius - a.radius),
    meridians: lines(west, east).map((degrees) => ({ degrees, at: x(degrees) })),
    parallels: lines(south, north).map((degrees) => ({ degrees, at: y(degrees) })),
  };
}

/** Least and most, some distance apart. */
function bounds(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(least)) return [0, 1];
  return most - least < 0.1 ? [least - 0.05, most + 0.05] : [least, most];
}

/** Whole, half or fifth degrees between two, some of them. */
function lines(least: number, most: number): number[] {
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((one) => (most - least) / one <= 6) ?? 45;
  const first = Math.ceil(least / step);
  const last = Math.floor(most / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) =>
    Number(((first + n) * step).toFixed(1)),
  );
}
