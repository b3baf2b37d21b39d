"""Clean the Census-Income data, split it, and turn it into features."""

import argparse
from pathlib import Path

import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

INPUT = Path("/opt/ml/processing/input/census-income.csv")
TRAIN = Path("/opt/ml/processing/train")
TEST = Path("/opt/ml/processing/test")
COLUMNS = [
    "age",
    "education",
    "major industry code",
    "class of worker",
    "num persons worked for employer",
    "capital gains",
    "capital losses",
    "dividends from stocks",
    "income",
]
# the data's values begin with a space
CLASSES = {" - 50000.": 0, " 50000+.": 1}


def read_clean(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path, usecols=COLUMNS)[COLUMNS].dropna().drop_duplicates()
    return rows.assign(income=rows["income"].map(CLASSES))


def transformer() -> ColumnTransformer:
    return make_column_transformer(
        (KBinsDiscretizer(encode="onehot-dense", n_bins=10), ["age", "num persons worked for employer"]),
        (StandardScaler(), ["capital gains", "capital losses", "dividends from stocks"]),
        (OneHotEncoder(sparse_output=False), ["education", "major industry code", "class of worker"]),
    )


def save(what: str, values: object, path: Path) -> None:
    print(f"Saving {what} to {path}")
    pd.DataFrame(values).to_csv(path, header=False, index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-test-split-ratio", type=float, default=0.3)
    args = parser.parse_args()
    print(f"Received arguments {args}")

    print(f"Reading input data from {INPUT}")
    rows = read_clean(INPUT)
    negative, positive = rows["income"].value_counts()[[0, 1]]
    print(f"Data after cleaning: {rows.shape}, {positive} positive examples, {negative} negative examples")

    ratio = args.train_test_split_ratio
    print(f"Splitting data into train and test sets with ratio {ratio}")
    x_train, x_test, y_train, y_test = train_test_split(
        rows.drop("income", axis=1), rows["income"], test_size=ratio, random_state=0
    )

    print("Running preprocessing and feature engineering transformations")
    preprocess = transformer()
    train_features = preprocess.fit_transform(x_train)
    test_features = preprocess.transform(x_test)
    print(f"Train data shape after preprocessing: {train_features.shape}")
    print(f"Test data shape after preprocessing: {test_features.shape}")

    save("training features", train_features, TRAIN / "train_features.csv")
    save("test features", test_features, TEST / "test_features.csv")
    save("training labels", y_train, TRAIN / "train_labels.csv")
    save("test labels", y_test, TEST / "test_labels.csv")


if __name__ == "__main__":
    main()
